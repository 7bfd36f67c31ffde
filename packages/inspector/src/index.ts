export { createInspector, shareRun, type InspectorOptions } from './server/app.ts';
export type { Describe, Document } from './server/describe.ts';
export { PAGE_POLICY, readPage, type Page } from './server/page.ts';
