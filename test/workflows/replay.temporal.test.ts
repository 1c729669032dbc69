// Workflows that began under an older release must go on under today's code: every recorded history is replayed, and a step that comes out differently
// fails here instead of in production. Needs no server. A failure means: guard the change with `patched()`, do not record the history anew.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DeterminismViolationError } from '@temporalio/workflow';
import { Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleWorkflows } from '../../src/workflows/worker/index.ts';
import { ORDER_WORKFLOWS } from './temporal-env.ts';

const DIR = fileURLToPath(new URL('histories/', import.meta.url));
const FILES = readdirSync(DIR, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'));

interface RecordedHistory {
  events: { eventType: string; activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
}

describe('recorded histories', () => {
  let workflowBundle: Awaited<ReturnType<typeof bundleWorkflows>>;
  beforeAll(async () => {
    workflowBundle = await bundleWorkflows(ORDER_WORKFLOWS);
  });
  const read = (file: string) => JSON.parse(readFileSync(DIR + file, 'utf8')) as RecordedHistory;

  it('are there', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(9);
  });

  it.each(FILES)('%s', async (file) => {
    await Worker.runReplayHistory({ workflowBundle }, read(file), workflowIdOf(file));
  });

  it('would fail if a step had changed', async () => {
    const file = FILES.find((name) => name.includes('timed-out')) as string;
    const history = read(file);
    for (const { activityTaskScheduledEventAttributes: scheduled } of history.events) {
      if (scheduled?.activityType.name === 'releaseInventory') scheduled.activityType.name = 'somethingElse';
    }
    await expect(Worker.runReplayHistory({ workflowBundle }, history, workflowIdOf(file))).rejects.toThrow(DeterminismViolationError);
  });
});

/** `0.1/continued-as-new.2.json` → `continued-as-new`: ids are part of idempotency keys, so they matter in replay. */
function workflowIdOf(file: string): string {
  return file.replace(/^.*\//, '').replace(/(\.\d+)?\.json$/, '');
}
