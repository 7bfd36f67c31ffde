import { RuntimeError } from '@pawl/runtime/errors';

/** Where a server of Restate is. */
export interface RestateAddress {
  /** As it was given. */
  readonly text: string;
  /** For runs: they are started and answered there. */
  readonly ingress: string;
  /** For people: what runs are is asked there. */
  readonly admin: string;
}

const SCHEME = 'restate:';
const INGRESS_PORT = '8080';
const ADMIN_PORT = '9070';

/**
 * `restate://host:port`, where the port is the ingress' (default 8080). The admin interface is at port 9070 of the same
 * host, or where `?admin=host:port` says.
 * @throws RuntimeError USAGE
 */
export function restateAddress(text: string): RestateAddress {
  const url = URL.parse(text);
  const admin = url?.searchParams.get('admin') ?? undefined;
  const other = admin === undefined ? undefined : URL.parse(`http://${admin}`);
  const isPlain =
    url?.protocol === SCHEME &&
    url.hostname !== '' &&
    `${url.username}${url.password}${url.hash}` === '' &&
    ['', '/'].includes(url.pathname) &&
    [...url.searchParams.keys()].every((name) => name === 'admin');
  if (!isPlain || (admin !== undefined && (other === null || other?.hostname === '')))
    throw new RuntimeError('USAGE', `'${text.slice(0, 200)}' is no address of Restate.`, {
      hint: 'Such as restate://127.0.0.1:8080, or restate://127.0.0.1:8080?admin=127.0.0.1:9070',
    });
  return {
    text,
    ingress: `http://${url.hostname}:${url.port === '' ? INGRESS_PORT : url.port}`,
    admin: `http://${other?.host ?? `${url.hostname}:${ADMIN_PORT}`}`,
  };
}
