/** What can be asked of a journal by SQL: names, types and meaning of the columns. */
import { VIEWS } from './store/sqlite/sql/views.ts';
import type { SqlView } from './store/sqlite/sql/view-text.ts';

export const SQL_VIEWS: readonly SqlView[] = VIEWS.map(({ name, what, columns }) => ({
  name,
  what,
  columns: columns.map(({ name: column, type, what: told }) => ({ name: column, type, what: told })),
}));
