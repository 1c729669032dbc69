// Topologies of streams, groups and processors drawn at random, run as golden cases: what they must give comes from a plain engine.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonical } from './canonical.ts';
import type { CaseNode, CaseStep, FunctionRef, GoldenCase } from './golden-case.ts';
import { NaiveEngine } from './naive-streams.ts';
import { runCase } from './run-case.ts';

type Type = 'string' | 'long' | 'json';

interface Handle {
  readonly id: string;
  readonly type: Type;
}

/** Decisions come from a list of numbers, so that a failing case shrinks. */
class Choices {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  number(below: number): number {
    return (this.#numbers[this.#at++] ?? 0) % below;
  }

  of<T>(...values: readonly T[]): T {
    return values[this.number(values.length)]!;
  }
}

class CaseBuilder {
  readonly nodes: CaseNode[] = [];
  readonly handles: Handle[] = [];
  readonly stores: string[] = [];
  readonly #choices: Choices;
  /** Stores that a lookup may read: not those with times. */
  readonly #readable: { readonly name: string; readonly isTable: boolean }[] = [];

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  #of<T>(...values: readonly T[]): T {
    return this.#choices.of(...values);
  }

  #number(below: number): number {
    return this.#choices.number(below);
  }

  build(size: number): void {
    this.#source(['in', 'in-2'], 'string');
    this.#source(['events'], 'json', { timestampFrom: { field: 'at' } });
    for (let made = 0; made < size; made++) this.#add();
    for (const { id, type } of this.handles.slice(-4)) this.nodes.push({ op: 'to', from: id, topic: this.#of('out', id), keySerde: 'string', valueSerde: type });
    // A topic is written with one serde.
    const types = new Map(this.nodes.filter(({ op, topic }) => op === 'to' && topic === 'out').map((node) => [node['valueSerde'], true]));
    if (types.size > 1) for (const [at, node] of this.nodes.entries()) if (node['topic'] === 'out') this.nodes[at] = { ...node, topic: `out-${node['valueSerde']}` };
  }

  #source(topics: readonly string[], type: Type, more: object = {}): void {
    this.#handle({ op: 'stream', topics, keySerde: 'string', valueSerde: type, ...more }, type);
  }

  #handle(node: CaseNode, type: Type): Handle {
    const handle = { id: `n${this.nodes.length}`, type };
    this.nodes.push({ id: handle.id, ...node });
    this.handles.push(handle);
    return handle;
  }

  #add(): void {
    const { id: from, type } = this.handles[this.#number(this.handles.length)]!;
    const serdes = { keySerde: 'string', valueSerde: type };
    switch (this.#of('filter', 'mapValues', 'map', 'selectKey', 'flatMap', 'flatMapValues', 'merge', 'split', 'repartition', 'aggregate', 'aggregate', 'toTable', 'back', 'dynamic', 'process', 'process', 'process', 'process')) {
      case 'filter':
        return void this.#handle({ op: this.#of('filter', 'filterNot'), from, predicate: this.#predicate(type) }, type);
      case 'mapValues': {
        const [value, to] = this.#mapper(type);
        return void this.#handle({ op: 'mapValues', from, value }, to);
      }
      case 'map': {
        const [value, to] = this.#mapper(type);
        return void this.#handle({ op: 'map', from, key: this.#keyMapper(type), value }, to);
      }
      case 'selectKey':
        return void this.#handle({ op: 'selectKey', from, key: this.#keyMapper(type) }, type);
      case 'flatMap':
        return void (type === 'string' ? this.#handle({ op: 'flatMap', from, pairs: this.#of<FunctionRef>({ fn: 'wordsAsKeys' }, { fn: 'bothWays' }, { fn: 'toKeys', keys: ['a', null, 'c'] }) }, type) : this.#handle({ op: 'flatMap', from, pairs: { fn: 'toKeys', keys: ['b', null] } }, type));
      case 'flatMapValues':
        return void (type === 'string' ? this.#handle({ op: 'flatMapValues', from, values: this.#of<FunctionRef>({ fn: 'splitWords' }, { fn: 'repeat', times: 2 }) }, type) : this.#handle({ op: 'flatMapValues', from, values: type === 'long' ? { fn: 'countDown' } : { fn: 'repeat', times: 2 } }, type));
      case 'merge': {
        const alike = this.handles.filter((handle) => handle.type === type);
        return void this.#handle({ op: 'merge', from, with: alike[this.#number(alike.length)]!.id }, type);
      }
      case 'split': {
        const branches = [{ name: 'one', predicate: this.#predicate(type) }, { name: 'two', predicate: this.#predicate(type) }];
        const { id } = this.#handle({ op: 'split', from, branches, ...this.#of({}, { default: 'rest' }) }, type);
        this.handles.pop();
        const hasRest = this.nodes.at(-1)!['default'] !== undefined;
        for (const name of hasRest ? ['one', 'two', 'rest'] : ['one', 'two']) this.handles.push({ id: `${id}.${name}`, type });
        return;
      }
      case 'repartition':
        return void this.#handle({ op: 'repartition', from, name: `again-${this.nodes.length}`, ...serdes }, type);
      case 'aggregate':
        return this.#aggregate(from, type);
      case 'toTable': {
        const table = this.#handle({ op: 'toTable', from, store: { name: this.#table() }, ...serdes }, type);
        return this.#stream(table);
      }
      case 'back': {
        if (type !== 'string' || this.nodes.some((node) => node['topic'] === 'back')) return;
        this.nodes.push({ op: 'to', from, topic: 'back', keySerde: 'string', valueSerde: 'string' });
        return this.#source(['back'], 'string');
      }
      case 'dynamic':
        return void this.nodes.push({ op: 'to', from, topicFrom: { prefix: `dyn-${from.replace('.', '-')}-`, mapper: type === 'string' ? { fn: 'length' } : { fn: 'keyPrefix', n: 0 } }, ...serdes });
      case 'process':
        return this.#process(from, type);
    }
  }

  #stream(table: Handle): void {
    this.handles.pop();
    this.#handle({ op: 'toStream', from: table.id, ...this.#of({}, {}, { key: this.#keyMapper(table.type) }) }, table.type);
  }

  #table(): string {
    const name = `table-${this.nodes.length}`;
    this.stores.push(name);
    this.#readable.push({ name, isTable: true });
    return name;
  }

  #aggregate(from: string, type: Type): void {
    const serdes = { keySerde: 'string', valueSerde: type };
    const group = `n${this.nodes.length}`;
    this.nodes.push({ id: group, from, ...this.#of<CaseNode>({ op: 'groupByKey' }, { op: 'groupBy', key: this.#keyMapper(type) }), ...serdes });
    const store = { name: this.#table() };
    const reducer = type === 'long' ? this.#of<FunctionRef>({ fn: 'sum' }, { fn: 'max' }, { fn: 'minus' }) : this.#of<FunctionRef>({ fn: 'last' }, { fn: 'first' });
    const kind = this.#of('count', 'reduce', 'appendText', 'appendUnless', 'countUp');
    const table =
      kind === 'count' ? this.#handle({ op: 'count', from: group, store }, 'long')
      : kind === 'reduce' ? this.#handle({ op: 'reduce', from: group, reducer: type === 'string' ? this.#of<FunctionRef>({ fn: 'concat', separator: ',' }, { fn: 'concatUnless', value: 'x' }, { fn: 'last' }) : reducer, store }, type)
      : kind === 'countUp' ? this.#handle({ op: 'aggregate', from: group, initial: 0, aggregator: { fn: 'countUp' }, keySerde: 'string', valueSerde: 'long', store }, 'long')
      : this.#handle({ op: 'aggregate', from: group, initial: '', aggregator: { fn: kind, before: '+', value: 'x' }, keySerde: 'string', valueSerde: 'string', store }, 'string');
    this.#stream(table);
  }

  #predicate(type: Type): FunctionRef {
    const any: FunctionRef[] = [{ fn: 'valueIsNull' }, { fn: 'keyIs', key: 'a' }, { fn: 'keyIs', key: null }, { fn: 'keyStartsWith', text: 'a' }, { fn: 'always' }, { fn: 'never' }];
    const own: Readonly<Record<Type, FunctionRef[]>> = {
      string: [{ fn: 'valueIs', value: 'x' }, { fn: 'valueContains', text: 'x' }],
      long: [{ fn: 'longAtLeast', n: 2 }, { fn: 'longIsEven' }],
      json: [{ fn: 'fieldIs', field: 'kind', value: 'x' }, { fn: 'fieldAtLeast', field: 'n', n: 2 }],
    };
    return this.#of(...any, ...own[type], ...own[type]);
  }

  #mapper(type: Type): [FunctionRef, Type] {
    const all: Readonly<Record<Type, [FunctionRef, Type][]>> = {
      string: [[{ fn: 'upper' }, 'string'], [{ fn: 'append', text: ' x' }, 'string'], [{ fn: 'nullIf', value: 'x' }, 'string'], [{ fn: 'orElse', value: 'none' }, 'string'], [{ fn: 'length' }, 'long'], [{ fn: 'keyAndValue', separator: '-' }, 'string'], [{ fn: 'key' }, 'string']],
      long: [[{ fn: 'plus', n: 1 }, 'long'], [{ fn: 'times', n: 2 }, 'long'], [{ fn: 'textOfValue' }, 'string']],
      json: [[{ fn: 'fieldText', field: 'kind' }, 'string'], [{ fn: 'field', field: 'n' }, 'long'], [{ fn: 'withField', field: 'kind', value: null }, 'json'], [{ fn: 'textOfValue' }, 'string']],
    };
    return this.#of(...all[type]);
  }

  #keyMapper(type: Type): FunctionRef {
    const own: FunctionRef[] = type === 'json' ? [{ fn: 'fieldText', field: 'kind' }] : [{ fn: 'textOfValue' }, { fn: 'valuePrefix', n: 1 }];
    return this.#of<FunctionRef>({ fn: 'key' }, { fn: 'keyPrefix', n: 1 }, { fn: 'fixed', value: 'k' }, ...own);
  }

  #stateStore(kind: string, valueSerde: Type, more: object = {}): string {
    const name = `store-${this.nodes.length}`;
    this.nodes.push({ op: 'stateStore', kind, name, keySerde: 'string', valueSerde, ...more });
    if (kind === 'keyValue') {
      this.stores.push(name);
      this.#readable.push({ name, isTable: false });
    }
    return name;
  }

  #process(from: string, type: Type): void {
    const add = (op: 'process' | 'processValues', to: Type, processor: FunctionOf, isStored = true): void =>
      void this.#handle({ op, from, processor, ...(processor['store'] === undefined || !isStored ? {} : { stores: [processor['store']] }) }, to);
    const time = this.#of('stream', 'wallClock');
    const schedule = { everyMs: 1 + this.#number(12), time, ...this.#of({}, { startAtMs: this.#number(40) }) };
    switch (this.#of('previous', 'lookup', 'twice', 'headerAsValue', 'times', 'place', 'addHeader', 'removeHeader', 'shiftTime', 'put', 'listing', 'recent', 'dedupe', 'tick', 'countThenPunctuate', 'expire')) {
      case 'previous':
        return add('processValues', 'string', { name: 'previous', store: this.#stateStore('keyValue', type) });
      case 'lookup': {
        const store = this.#readable[this.#number(this.#readable.length || 1)];
        return store === undefined ? undefined : add('processValues', 'string', { name: 'lookup', store: store.name });
      }
      case 'twice':
        return add('processValues', 'string', { name: 'twice' });
      case 'headerAsValue':
        return add('processValues', 'string', { name: 'headerAsValue', header: this.#of('h', 'i') });
      case 'times':
        return add('processValues', 'string', { name: 'times' });
      case 'place':
        return add('processValues', 'string', { name: 'place' });
      case 'addHeader':
        return add('process', type, { name: 'addHeader', header: this.#of('h', 'i'), text: this.#of('1', '') });
      case 'removeHeader':
        return add('process', type, { name: 'removeHeader', header: this.#of('h', 'i') });
      case 'shiftTime':
        return add('process', type, { name: 'shiftTime', ms: this.#number(20) - 10 });
      case 'put':
        return add('process', type, { name: 'put', store: this.#stateStore('keyValue', type) });
      case 'listing':
        return add('process', 'string', { name: 'listing', store: this.#stateStore('keyValue', type), reverse: this.#of(true, false), ...this.#of({}, { from: 'ab' }), ...this.#of({}, { to: 'b' }) });
      case 'recent':
        return add('process', 'string', { name: 'recent', store: this.#stateStore('window', type, { retentionMs: 5 + this.#number(20), sizeMs: 5, retainDuplicates: this.#of(true, false) }), backMs: this.#number(15) });
      case 'dedupe':
        return add('processValues', type, { name: 'dedupe', store: this.#stateStore('window', 'long', { retentionMs: 5 + this.#number(30), sizeMs: 5 }), id: this.#of<FunctionRef>({ fn: 'key' }, { fn: 'textOfValue' }), windowMs: this.#number(15) });
      case 'tick':
        return type === 'string' ? add('process', type, { name: 'tick', key: 'tick', ...schedule, ...this.#of({}, { stopAfter: 2 }) }) : undefined;
      case 'countThenPunctuate':
        return add('process', 'long', { name: 'countThenPunctuate', store: this.#stateStore('keyValue', 'long'), ...schedule, clear: this.#of(true, false) });
      case 'expire':
        return type === 'string' ? add('process', type, { name: 'expire', store: this.#stateStore('keyValue', 'long'), ttlMs: this.#number(12), ...schedule }) : undefined;
    }
  }
}

type FunctionOf = { readonly name: string; readonly [argument: string]: unknown };

function stepsOf(choices: Choices, count: number, hasBack: boolean): CaseStep[] {
  return Array.from({ length: count }, (): CaseStep => {
    if (choices.number(5) === 4) return { advanceWallClockMs: 1 + choices.number(20) };
    const topic = choices.of('in', 'in-2', 'events', ...(hasBack ? ['back'] : []));
    const value = topic === 'events' ? choices.of<any>(null, { n: 1, kind: 'x' }, { n: 3, kind: 'a b', at: 7 }, { at: 30 }, { at: -1 }) : choices.of(null, 'x', 'a', 'a x', '');
    const headers = choices.of<any>([], [], [['h', '1']], [['h', null], ['i', '2'], ['h', '3']]);
    return { pipe: { topic, key: choices.of(null, 'a', 'b', 'ab'), value, timestamp: choices.number(50), headers } };
  });
}

/** flatMap upon flatMap grows without end: larger ones are left out. */
const LINES_MAX = 400;

test('topologies drawn at random give what the rules say', async () => {
  let played = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(10_000), { minLength: 60, maxLength: 160 }), fc.integer({ min: 1, max: 9 }), fc.array(fc.nat(10_000), { minLength: 70, maxLength: 110 }), async (numbers, size, inputs) => {
      const builder = new CaseBuilder(new Choices(numbers));
      builder.build(size);
      const { nodes, stores } = builder;
      const choices = new Choices(inputs);
      const wallClockStartMs = choices.number(30);
      const steps = stepsOf(choices, 14, nodes.some((node) => node['topic'] === 'back'));
      const naive = new NaiveEngine(nodes, wallClockStartMs);
      for (const [at, step] of steps.entries()) naive.perform(step, at);
      const lines = [...naive.outputs.values()].reduce((sum, list) => sum + list.length, 0);
      fc.pre(lines <= LINES_MAX);
      played++;
      const plain = new Set(nodes.flatMap((node) => (node.op === 'stateStore' ? [node['name']] : [])));
      const contents = stores.map((name) => {
        const entries = [...naive.stores.get(name)!].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        return [name, entries.map(([key, entry]) => (plain.has(name) ? { key, value: entry } : { key, value: entry.value, timestamp: entry.timestamp }))] as const;
      });
      const golden: GoldenCase = {
        name: 'random',
        about: '',
        settings: { wallClockStartMs },
        topology: { nodes },
        steps,
        reads: stores.map((store) => ({ store, kind: 'keyValue' })),
        expect: { outputs: Object.fromEntries(naive.outputs) as never, stores: Object.fromEntries(contents) as never },
      };
      const why = await runCase(golden);
      expect(why, `${canonical(nodes)}\n${canonical(steps)}`).toBeUndefined();
    }),
    { numRuns: 300 },
  );
  expect(played).toBeGreaterThan(200);
});
