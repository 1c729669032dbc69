import { defineConfig } from 'vitest/config';

// Three projects: `unit` needs no server and runs in seconds; `workflow` needs the Temporal binaries; `integration` needs the whole stack.
// One project after the other: side by side on two cores, tests that freeze and kill servers would measure the others' load.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['test/**/*.real.test.ts', 'test/**/*.temporal.test.ts'],
          // Far above what any takes: no test's result may hang on how busy the computer is.
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'temporal',
          include: ['test/**/*.temporal.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/**/*.real.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
