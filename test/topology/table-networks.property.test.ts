// Networks of tables, drawn at random, against a plain account of the rules: what is stored, and who is told what was replaced, must not show in results
// except where the rules say so.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Serdes, StreamsBuilder, type KTable } from 'millrace';
import { TopologyTestDriver } from 'millrace/testing';

const RUNS = 300;
const long = { key: Serdes.string(), value: Serdes.long() };

type Kind = 'join' | 'leftJoin' | 'outerJoin';
type Node =
  | { readonly op: 'table'; readonly isStored: boolean; readonly historyMs: number | undefined }
  | { readonly op: 'filter'; readonly from: number; readonly atLeast: number; readonly isStored: boolean }
  | { readonly op: 'map'; readonly from: number; readonly plus: number; readonly isStored: boolean }
  | { readonly op: 'join'; readonly from: number; readonly with: number; readonly kind: Kind; readonly isStored: boolean }
  | { readonly op: 'group'; readonly from: number };

interface Input {
  readonly table: number;
  readonly key: string;
  readonly value: number | null;
  readonly timestamp: number;
}

// Functions that show by their result in which order they were called, and that say null now and then.
const mapped = (plus: number, value: number): number | null => ((value + plus) % 11 === 0 ? null : value + plus);
const pair = (left: number | null, right: number | null): number | null => {
  const result = ((left ?? 7) * 31 + (right ?? 5)) % 97;
  return result % 9 === 0 ? null : result;
};
const member = (value: number, key: string): readonly [string | null, number | null] => [value % 5 === 4 ? null : `${key === 'c' ? 'x' : 'y'}${value % 2}`, value % 7 === 6 ? null : value];
const add = (value: number, aggregate: number): number | null => (value % 13 === 12 ? null : (aggregate * 3 + value + 1) % 101);
const subtract = (value: number, aggregate: number): number | null => (value % 13 === 11 ? null : (aggregate * 5 + value + 2) % 101);

function topologyOf(nodes: readonly Node[]) {
  const builder = new StreamsBuilder();
  const tables: KTable<string, number>[] = [];
  for (const [at, node] of nodes.entries()) {
    const own = 'isStored' in node && node.isStored ? { name: `store-${at}`, ...long } : undefined;
    tables.push(build(node));
    tables[at]!.toStream().to(`out-${at}`, long);
    function build(it: Node): KTable<string, number> {
      switch (it.op) {
        case 'table':
          return builder.table(`in-${at}`, { name: `store-${at}`, ...long, materialized: it.isStored, ...(it.historyMs === undefined ? {} : { historyMs: it.historyMs }) });
        case 'filter':
          return tables[it.from]!.filter((value) => value >= it.atLeast, own);
        case 'map':
          return tables[it.from]!.mapValues((value) => mapped(it.plus, value), own);
        case 'join':
          return (tables[it.from]![it.kind] as (other: KTable<string, number>, joiner: typeof pair, store: typeof own) => KTable<string, number>)(tables[it.with]!, pair, own);
        case 'group': {
          const group = tables[it.from]!.groupBy(member, { name: `group-${at}`, ...long });
          return group.aggregate({ name: `store-${at}`, initial: () => 1 as number | null, add: (value, aggregate) => add(value, aggregate!), subtract: (value, aggregate) => subtract(value, aggregate!), value: Serdes.long() });
        }
      }
    }
  }
  return builder.build();
}

interface Update {
  readonly old: number | null;
  readonly now: number | null;
  readonly isLatest: boolean;
  readonly timestamp: number;
}

interface Row {
  readonly value: number | null;
  readonly timestamp: number;
}

/** All tables know everything here; filters keep to what the rules let them know. */
class Account {
  readonly #nodes: readonly Node[];
  readonly lines: string[][];
  readonly #rows: Map<string, Row>[];
  readonly #seen: number[];
  /** Waiting for their group. */
  readonly #queues: Map<number, { key: string; old: number | null; now: number | null; timestamp: number }[]>;

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
    this.lines = nodes.map(() => []);
    this.#rows = nodes.map(() => new Map());
    this.#seen = nodes.map(() => -1);
    this.#queues = new Map(nodes.flatMap((node, at) => (node.op === 'group' ? [[at, []] as const] : [])));
  }

  take({ table, key, value, timestamp }: Input): void {
    const { historyMs } = this.#nodes[table] as Extract<Node, { op: 'table' }>;
    const before = this.#rows[table]!.get(key);
    if (historyMs !== undefined && timestamp < this.#seen[table]! - historyMs) return;
    this.#seen[table] = Math.max(this.#seen[table]!, timestamp);
    const isLatest = historyMs === undefined || before === undefined || timestamp >= before.timestamp;
    if (isLatest) this.#rows[table]!.set(key, { value, timestamp });
    this.#forward(table, key, { old: before?.value ?? null, now: value, isLatest, timestamp });
    for (;;) {
      const waiting = [...this.#queues].filter(([, queue]) => queue.length > 0);
      if (waiting.length === 0) return;
      const [at, queue] = waiting.reduce((one, other) => (other[1][0]!.timestamp < one[1][0]!.timestamp ? other : one));
      this.#aggregate(at, queue.shift()!);
    }
  }

  #aggregate(at: number, { key, old, now, timestamp }: { key: string; old: number | null; now: number | null; timestamp: number }): void {
    const before = this.#rows[at]!.get(key);
    let aggregate = before?.value ?? null;
    if (old !== null && aggregate !== null) aggregate = subtract(old, aggregate);
    if (now !== null) aggregate = add(now, aggregate ?? 1);
    const update = { old: before?.value ?? null, now: aggregate, isLatest: true, timestamp: Math.max(before?.timestamp ?? -1, timestamp) };
    if (aggregate === null) this.#rows[at]!.delete(key);
    else this.#rows[at]!.set(key, { value: aggregate, timestamp: update.timestamp });
    this.#forward(at, key, update);
  }

  #row(at: number, key: string): Row | undefined {
    const node = this.#nodes[at]!;
    if (node.op === 'table' || node.op === 'group' || node.isStored) {
      const found = this.#rows[at]!.get(key);
      return found?.value === null ? undefined : found;
    }
    if (node.op !== 'join') {
      const found = this.#row(node.from, key);
      const value = found === undefined ? null : compute(node, found.value);
      return value === null ? undefined : { value, timestamp: found!.timestamp };
    }
    const [left, right] = [this.#row(node.from, key), this.#row(node.with, key)];
    const value = result(node.kind, left?.value ?? null, right?.value ?? null);
    return value === null ? undefined : { value, timestamp: Math.max(left?.timestamp ?? -1, right?.timestamp ?? -1) };
  }

  #forward(at: number, key: string, update: Update): void {
    this.lines[at]!.push(`${key}=${update.now}@${update.timestamp}`);
    for (const [child, node] of this.#nodes.entries()) {
      if (node.op === 'table') continue;
      if (node.from === at) this.#process(child, node, key, update, 'left');
      if (node.op === 'join' && node.with === at) this.#process(child, node, key, update, 'right');
    }
  }

  #process(at: number, node: Exclude<Node, { op: 'table' }>, key: string, { old, now, isLatest, timestamp }: Update, side: 'left' | 'right'): void {
    const parent = side === 'left' || node.op !== 'join' ? node.from : node.with;
    const isVersioned = versioned(this.#nodes, parent);
    const isLate = isVersioned && !isLatest;
    switch (node.op) {
      case 'group': {
        if (isLate) return;
        const [oldGroup, oldValue] = old === null ? [null, null] : member(old, key);
        const [group, value] = now === null ? [null, null] : member(now, key);
        const leaves = oldGroup !== null && oldValue !== null;
        const enters = group !== null && value !== null;
        const queue = this.#queues.get(at)!;
        if (leaves && enters && oldGroup === group) queue.push({ key: group, old: oldValue, now: value, timestamp });
        else {
          if (leaves) queue.push({ key: oldGroup, old: oldValue, now: null, timestamp });
          if (enters) queue.push({ key: group, old: null, now: value, timestamp });
        }
        return;
      }
      case 'join': {
        if (isLate) return;
        const other = this.#row(side === 'left' ? node.with : node.from, key);
        const mayStandAlone = node.kind === 'outerJoin' || (node.kind === 'leftJoin' && side === 'left');
        if (other === undefined && (!mayStandAlone || (old === null && now === null))) return;
        const of = (own: number | null): number | null => (side === 'left' ? result(node.kind, own, other?.value ?? null) : result(node.kind, other?.value ?? null, own));
        return this.#keep(at, node, key, { old: of(old), now: of(now), isLatest: true, timestamp: Math.max(timestamp, other?.timestamp ?? -1) });
      }
      default: {
        const next = { old: node.isStored ? (this.#row(at, key)?.value ?? null) : compute(node, old), now: compute(node, now), isLatest: node.isStored || isLatest, timestamp };
        if (node.op === 'filter' && !isVersioned && knows(this.#nodes, at) && next.old === null && next.now === null) return;
        return this.#keep(at, node, key, next);
      }
    }
  }

  #keep(at: number, node: { readonly isStored: boolean }, key: string, update: Update): void {
    if (node.isStored && update.now === null) this.#rows[at]!.delete(key);
    else if (node.isStored) this.#rows[at]!.set(key, { value: update.now, timestamp: update.timestamp });
    this.#forward(at, key, update);
  }
}

function compute(node: Extract<Node, { op: 'filter' | 'map' }>, value: number | null): number | null {
  if (value === null) return null;
  return node.op === 'map' ? mapped(node.plus, value) : value >= node.atLeast ? value : null;
}

function result(kind: Kind, left: number | null, right: number | null): number | null {
  const isThere = { join: left !== null && right !== null, leftJoin: left !== null, outerJoin: left !== null || right !== null }[kind];
  return isThere ? pair(left, right) : null;
}

function versioned(nodes: readonly Node[], at: number): boolean {
  const node = nodes[at]!;
  if (node.op === 'table') return node.historyMs !== undefined;
  return (node.op === 'filter' || node.op === 'map') && !node.isStored && versioned(nodes, node.from);
}

/** A named store, an aggregate, a join, or a table derived from one of these. */
function isStored(nodes: readonly Node[], at: number): boolean {
  const node = nodes[at]!;
  if (node.op === 'table') return node.isStored || node.historyMs !== undefined;
  return node.op === 'join' || node.op === 'group' || node.isStored || isStored(nodes, node.from);
}

/** An operator below needs old values of this one, or makes use of them because they cost nothing. */
function isAsked(nodes: readonly Node[], at: number): boolean {
  return nodes.some((node, child) => {
    if (node.op === 'table') return false;
    if (node.op === 'join' && (node.from === at || node.with === at)) {
      return node.kind === 'outerJoin' || (node.kind === 'leftJoin' && node.from === at) || isAsked(nodes, child);
    }
    if (node.from !== at || node.op === 'join') return false;
    return node.op === 'group' || (!node.isStored && isAsked(nodes, child)) || (node.op === 'filter' && isStored(nodes, at));
  });
}

function knows(nodes: readonly Node[], at: number): boolean {
  return isStored(nodes, (nodes[at] as { from: number }).from) || isAsked(nodes, at);
}

const anyNetwork = fc
  .tuple(
    fc.array(fc.record({ op: fc.constant('table' as const), isStored: fc.boolean(), historyMs: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined, freq: 3 }) }), { minLength: 1, maxLength: 3 }),
    fc.array(
      fc.oneof(
        fc.record({ op: fc.constant('filter' as const), from: fc.nat(), atLeast: fc.integer({ min: 1, max: 60 }), isStored: fc.boolean() }),
        fc.record({ op: fc.constant('map' as const), from: fc.nat(), plus: fc.nat(9), isStored: fc.boolean() }),
        fc.record({ op: fc.constant('join' as const), from: fc.nat(), with: fc.nat(), kind: fc.constantFrom<Kind>('join', 'leftJoin', 'outerJoin'), isStored: fc.boolean() }),
        fc.record({ op: fc.constant('group' as const), from: fc.nat() }),
      ),
      { minLength: 1, maxLength: 6 },
    ),
  )
  .map(([tables, operators]): Node[] => {
    const nodes: Node[] = [...tables];
    for (const node of operators) nodes.push({ ...node, from: node.from % nodes.length, ...('with' in node ? { with: node.with % nodes.length } : {}) } as Node);
    return nodes;
  });

const anyStep = fc.oneof(
  { weight: 12, arbitrary: fc.record({ table: fc.nat(2), key: fc.constantFrom('a', 'b', 'c'), value: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 4 }), timestamp: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ wipeState: fc.boolean() }) },
);

test('every table of a network tells what the rules say, crashes or not', async () => {
  await fc.assert(
    fc.asyncProperty(anyNetwork, fc.array(anyStep, { minLength: 5, maxLength: 25 }), async (nodes, steps) => {
      const account = new Account(nodes);
      const tables = nodes.filter(({ op }) => op === 'table').length;
      await using driver = await TopologyTestDriver.start(topologyOf(nodes), { oneTask: true, recordsPerRound: 1, commitIntervalMs: 0 });
      for (const step of steps) {
        if ('wipeState' in step) {
          await driver.crash(step);
          continue;
        }
        const input = { ...step, table: step.table % tables };
        account.take(input);
        await driver.createInputTopic(`in-${input.table}`, long).pipeInput(input.key, input.value, input.timestamp);
      }
      const lines = nodes.map((_, at) => driver.createOutputTopic(`out-${at}`, long).readRecords().map(({ key, value, timestamp }) => `${key}=${value}@${timestamp}`));
      expect(lines).toEqual(account.lines);
    }),
    { numRuns: RUNS },
  );
});
