import Database from 'better-sqlite3';

/** All rows of all tables of a journal that nobody has open, as text; what SQLite finds wrong, where it does. */
export function tablesOf(path: string): string {
  const db = new Database(path, { fileMustExist: true });
  try {
    const wrong: unknown = db.pragma('integrity_check', { simple: true });
    if (wrong !== 'ok') return `integrity_check: ${String(wrong)}`;
    const version: unknown = db.pragma('user_version', { simple: true });
    const tables = db.prepare("select name, sql from sqlite_schema where type = 'table' order by name").all();
    const rows = (tables as readonly { readonly name: string }[]).flatMap(({ name }) =>
      db
        .prepare(`select * from "${name}"`)
        .all()
        .map((row) => `${name} ${JSON.stringify(row)}`)
        .toSorted(),
    );
    return [`format ${String(version)}`, JSON.stringify(tables), ...rows].join('\n');
  } finally {
    db.close();
  }
}

/** The first line in which they differ. */
export function differenceOf(found: string, expected: string): string | undefined {
  if (found === expected) return undefined;
  const [is, should] = [found.split('\n'), expected.split('\n')];
  const at = should.findIndex((line, i) => line !== is[i]);
  return `there is ${shown(is[at === -1 ? should.length : at])}, where ${shown(should[at])} should be`;
}

function shown(line: string | undefined): string {
  return (line ?? 'nothing').slice(0, 300);
}
