import type { TestProject } from 'vitest/node';
import { RestateServer, serverProgram } from '../server.fixture.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    restate: { readonly admin: string; readonly ingress: string };
  }
}

/** One server for all files. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await RestateServer.start(String(serverProgram()));
  project.provide('restate', { admin: server.admin, ingress: server.ingress });
  return () => server.close();
}
