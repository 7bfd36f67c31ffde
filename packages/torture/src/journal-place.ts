/** Where the journal is, below the folder that is watched: its own folder is not there either at first. */
export const JOURNAL = 'home/journal.db';
