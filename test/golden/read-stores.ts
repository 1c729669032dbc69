// Compares the stores that a case reads after its last step.

import type { AnyStoreSpec, KeyValueStore, SessionStore, VersionedStore, WindowStore } from 'millrace';
import type { TopologyTestDriver } from 'millrace/testing';
import type { Building } from './building.ts';
import { canonical } from './canonical.ts';
import type { CaseNode, CaseRead, GoldenCase } from './golden-case.ts';

export async function readStores(golden: GoldenCase, driver: TopologyTestDriver, building: Building): Promise<string | undefined> {
  for (const read of golden.reads ?? []) {
    const spec = driver.storeSpec(read.store);
    if (spec === undefined) return `store ${read.store} does not exist`;
    const owner = golden.topology.nodes.find((node) => node['store']?.name === read.store || (node.op === 'stateStore' && node['name'] === read.store))!;
    const entries = await entriesOf(read, driver, spec, owner, building, golden);
    const wanted = (golden.expect.stores?.[read.store] ?? []).map(ordered);
    const got = entries.map(ordered);
    const at = Array.from({ length: Math.max(wanted.length, got.length) }, (_, index) => index).find((index) => wanted[index] !== got[index]);
    if (at !== undefined) return `store ${read.store}, entry ${at}: expected ${wanted[at] ?? 'nothing'} got ${got[at] ?? 'nothing'}`;
  }
  return undefined;
}

type Entry = Record<string, unknown>;

async function entriesOf(read: CaseRead, driver: TopologyTestDriver, spec: AnyStoreSpec, owner: CaseNode, _building: Building, golden: GoldenCase): Promise<Entry[]> {
  const isPlain = owner.op === 'stateStore';
  switch (read.kind) {
    case 'keyValue': {
      const found: Entry[] = [];
      for await (const { key, value, timestamp } of (driver.store(spec) as KeyValueStore<string, unknown>).scan()) found.push(isPlain ? { key, value } : { key, value, timestamp });
      return found;
    }
    case 'window': {
      const found: (Entry & { key: string; window: [number, number] })[] = [];
      const lengthMs = isPlain ? (owner['sizeMs'] as number) : windowLengthOf(owner, golden);
      for await (const { key, timestamp: startMs, value } of (driver.store(spec) as WindowStore<string, any>).scan()) {
        const window: [number, number] = [startMs, startMs + lengthMs];
        found.push(isPlain ? { key, window, value } : { key, window, value: value.value, timestamp: value.timestamp });
      }
      return found.sort(byKeyThenWindow);
    }
    case 'session': {
      const store = driver.store(spec) as SessionStore<string, unknown>;
      const found = (read.keys ?? []).flatMap((key) => store.findSessions(key, 0, Number.MAX_SAFE_INTEGER).map(({ startMs, endMs, value }) => ({ key, window: [startMs, endMs] as [number, number], value })));
      return found.sort(byKeyThenWindow);
    }
    case 'versioned': {
      const store = driver.store(spec) as VersionedStore<string, unknown>;
      return (read.gets ?? []).map(({ key, asOf }) => {
        const found = store.get(key, asOf);
        return { key, ...(asOf === undefined ? {} : { asOf }), value: found?.value ?? null, timestamp: found?.timestamp ?? null };
      });
    }
  }
}

/** From the windows of the node that the aggregate hangs on. */
function windowLengthOf(owner: CaseNode, golden: GoldenCase): number {
  const windowed = golden.topology.nodes.find(({ id }) => id === owner['from'])!;
  const { sizeMs, differenceMs } = windowed['windows'] as { sizeMs?: number; differenceMs?: number };
  return sizeMs ?? differenceMs!;
}

function byKeyThenWindow(a: { key: string; window: [number, number] }, b: { key: string; window: [number, number] }): number {
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || a.window[0] - b.window[0] || a.window[1] - b.window[1];
}

function ordered(entry: unknown): string {
  const { key, asOf, window, value, timestamp } = entry as Entry;
  const members: string[] = [`"key":${canonical(key)}`];
  if (asOf !== undefined) members.push(`"asOf":${asOf}`);
  if (window !== undefined) members.push(`"window":${JSON.stringify(window)}`);
  members.push(`"value":${canonical(value)}`);
  if (timestamp !== undefined) members.push(`"timestamp":${timestamp}`);
  return `{${members.join(',')}}`;
}
