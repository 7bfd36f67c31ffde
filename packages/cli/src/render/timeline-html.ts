import { escaped, timelineSvg } from './timeline-svg.ts';
import type { TimelineView } from './timeline.ts';

/** A page that needs nothing else: no script, no font, no network. */
export function timelineHtml(view: TimelineView): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(`${view.run.process} · ${view.run.runId}`)}</title>
<style>
html { background: #f0f2f5; }
body { margin: 0; padding: 32px 20px; }
main { max-width: 1120px; margin: 0 auto; border-radius: 10px; overflow-x: auto; box-shadow: 0 1px 3px rgb(0 0 0 / 12%); }
main svg { display: block; width: 100%; min-width: 760px; height: auto; }
@media (prefers-color-scheme: dark) { html { background: #0c0e12; } main { box-shadow: 0 0 0 1px #272c36; } }
@media print { html { background: none; } body { padding: 0; } main { box-shadow: none; } }
</style>
</head>
<body>
<main>
${timelineSvg(view)}</main>
</body>
</html>
`;
}
