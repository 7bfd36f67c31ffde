export { serve, type RestateWorker, type ServeOptions } from './serve.ts';
export {
  RestateClient,
  type AnswerOptions,
  type ClientOptions,
  type RestateRun,
  type Response,
} from './client.ts';
export type { TaskOffer } from './offered-tasks.ts';
export type { DriveOptions } from './options.ts';
export type { Posted } from './run-service.ts';
export { DevServer, type DevServerOptions } from './dev-server.ts';
