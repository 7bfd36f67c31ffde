import { expect, it } from 'vitest';

import { changedLines, count, cutOff, linesIn } from './changed-lines.ts';

const DIFF = `diff --git a/kernel/retry.ts b/kernel/retry.ts
index 1..2 100644
--- a/kernel/retry.ts
+++ b/kernel/retry.ts
@@ -3 +3 @@ import
-a
+b
@@ -7,0 +8,3 @@
+@@ -1 +1 @@
+++ b/not-a-file.ts
+c
@@ -20,2 +23,0 @@
-d
-e
@@ -30 +31 @@
-j
+k
diff --git a/kernel/gone.ts b/kernel/gone.ts
deleted file mode 100644
--- a/kernel/gone.ts
+++ /dev/null
@@ -1,2 +0,0 @@
-f
-g
diff --git a/kernel/new.ts b/kernel/new.ts
--- /dev/null
+++ b/kernel/new.ts
@@ -0,0 +1,2 @@
+h
+i
`;

const LINES = [
  { file: 'kernel/retry.ts', first: 3, last: 3 },
  { file: 'kernel/retry.ts', first: 8, last: 10 },
  { file: 'kernel/retry.ts', first: 31, last: 31 },
  { file: 'kernel/new.ts', first: 1, last: 2 },
];

it('of a diff are those that it adds, and none that it takes away', () => {
  expect(linesIn(DIFF)).toEqual(LINES);
  expect(linesIn('')).toEqual([]);
  expect(count(LINES)).toBe(7);
});

it.each([
  [0, []],
  [2, [LINES[0], { file: 'kernel/retry.ts', first: 8, last: 8 }]],
  [4, LINES.slice(0, 2)],
  [9, LINES],
])('are cut off: %i of them', (most, expected) => {
  expect(cutOff(LINES, most)).toEqual(expected);
});

it('are not known where there is no such history', () => {
  expect(changedLines(['../outside-of-it.ts'], 9)).toBeUndefined();
});
