// A plain engine for streams, groups and processors: README's rules on lists and maps, one record at a time, nothing stored or sent.

import { text } from './canonical.ts';
import { aggregator, listOfPairs, listOfValues, mapper, predicate, reducer } from './functions.ts';
import type { CaseNode, CaseStep } from './golden-case.ts';

export interface NaiveRecord {
  readonly key: any;
  readonly value: any;
  readonly timestamp: number;
  readonly headers: readonly (readonly [string, string | null])[];
}

type Step = (record: NaiveRecord) => void;

interface Place {
  readonly topic: string;
  readonly offset: number;
}

interface Punctuator {
  readonly type: 'stream' | 'wallClock';
  readonly everyMs: number;
  dueMs: number;
  isCancelled: boolean;
  readonly call: (now: number) => void;
}

const isNull = (value: unknown): boolean => value === null || value === undefined;
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

export class NaiveEngine {
  /** By topic: what came out, each as a line. */
  readonly outputs = new Map<string, Record<string, unknown>[]>();
  /** Entries of key-value stores, in key order. */
  readonly stores = new Map<string, Map<string, any>>();
  readonly #timed = new Map<string, { key: any; value: any; timestamp: number }[]>();
  readonly #specs = new Map<string, CaseNode>();
  readonly #children = new Map<string, Step[]>();
  readonly #sources: { readonly topics: readonly string[]; readonly id: string; readonly extract: (record: NaiveRecord) => number }[] = [];
  /** Topics that are read: records that wait, with their places. */
  readonly #queues = new Map<string, { record: NaiveRecord; place: Place }[]>();
  readonly #ends = new Map<string, number>();
  readonly #isChanged = new Map<string, boolean>();
  readonly #groups = new Map<string, string>();
  readonly #punctuators: Punctuator[] = [];
  #pending: [topic: string, record: NaiveRecord][] = [];
  #streamTime = -1;
  #wall: number;
  #place: Place | undefined;
  #step = 0;
  #internal = 0;

  constructor(nodes: readonly CaseNode[], wallClockStartMs: number) {
    this.#wall = wallClockStartMs;
    for (const node of nodes) this.#build(node);
  }

  perform(step: CaseStep, at: number): void {
    this.#step = at;
    if ('pipe' in step) {
      const { topic, key, value, timestamp, headers = [] } = step.pipe;
      this.#enter(topic, { key, value, timestamp, headers });
    } else {
      this.#wall += step.advanceWallClockMs;
      this.#punctuate('wallClock', this.#wall);
      this.#flush();
    }
    while (this.#processNext());
  }

  #processNext(): boolean {
    let chosen: { record: NaiveRecord; place: Place }[] | undefined;
    for (const queue of this.#queues.values()) {
      const head = queue[0];
      if (head !== undefined && (chosen === undefined || head.record.timestamp < chosen[0]!.record.timestamp)) chosen = queue;
    }
    const head = chosen?.shift();
    if (head === undefined) return false;
    const { record, place } = head;
    const source = this.#sources.find(({ topics }) => topics.includes(place.topic))!;
    this.#streamTime = Math.max(this.#streamTime, record.timestamp);
    this.#place = place;
    this.#forward(source.id, record);
    this.#place = undefined;
    this.#punctuate('stream', this.#streamTime);
    this.#flush();
    return true;
  }

  /** What a record led to enters its topics when it is done. */
  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const [topic, record] of pending) this.#enter(topic, record);
  }

  #enter(topic: string, record: NaiveRecord): void {
    const offset = this.#ends.get(topic) ?? 0;
    this.#ends.set(topic, offset + 1);
    const source = this.#sources.find(({ topics }) => topics.includes(topic));
    if (source === undefined) return;
    const timestamp = source.extract(record);
    if (timestamp >= 0) this.#queues.get(topic)!.push({ record: { ...record, timestamp }, place: { topic, offset } });
  }

  #punctuate(type: Punctuator['type'], now: number): void {
    for (;;) {
      let next: Punctuator | undefined;
      for (const entry of this.#punctuators) if (entry.type === type && !entry.isCancelled && entry.dueMs <= now && (next === undefined || entry.dueMs < next.dueMs)) next = entry;
      if (next === undefined) return;
      while (next.dueMs <= now) next.dueMs += next.everyMs;
      next.call(now);
    }
  }

  #forward(id: string, record: NaiveRecord): void {
    for (const child of this.#children.get(id) ?? []) child(record);
  }

  #hang(parent: string, step: Step): void {
    this.#children.set(parent, [...(this.#children.get(parent) ?? []), step]);
  }

  /** A node that hands on what `step` gives. */
  #operator(node: CaseNode, step: (record: NaiveRecord) => readonly NaiveRecord[], isChanged = false): void {
    this.#hang(node['from'], (record) => {
      for (const result of step(record)) this.#forward(node.id!, result);
    });
    this.#isChanged.set(node.id!, isChanged || this.#isChanged.get(node['from']) === true);
  }

  #source(id: string, topics: readonly string[], extract: (record: NaiveRecord) => number = ({ timestamp }) => timestamp): void {
    this.#sources.push({ topics, id, extract });
    for (const topic of topics) this.#queues.set(topic, []);
  }

  /** Through a topic, without null keys; returns the id of what comes back. */
  #throughTopic(from: string, name: string): string {
    const topic = `golden-${name}-repartition`;
    const id = `internal-${this.#internal++}`;
    this.#hang(from, (record) => {
      if (!isNull(record.key)) this.#pending.push([topic, record]);
    });
    this.#source(id, [topic]);
    return id;
  }

  #settled(from: string, name: string): string {
    return this.#isChanged.get(from) === true ? this.#throughTopic(from, name) : from;
  }

  #build(node: CaseNode): void {
    const { from, id = '' } = node as CaseNode & { from: string };
    switch (node.op) {
      case 'stream': {
        const field = node['timestampFrom']?.field as string | undefined;
        const own = ({ value, timestamp }: NaiveRecord): number => (field !== undefined && typeof value === 'object' && value !== null && Number.isInteger(value[field]) ? value[field] : timestamp);
        return this.#source(id, node['topics'], own);
      }
      case 'stateStore':
        this.#specs.set(node['name'], node);
        if (node['kind'] === 'keyValue') this.stores.set(node['name'], new Map());
        else this.#timed.set(node['name'], []);
        return;
      case 'filter':
      case 'filterNot': {
        const test = predicate(node['predicate']);
        return this.#operator(node, (record) => (test(record.key, record.value) === (node.op === 'filter') ? [record] : []));
      }
      case 'mapValues': {
        const value = mapper(node['value']);
        return this.#operator(node, (record) => [{ ...record, value: value(record.key, record.value) }]);
      }
      case 'map': {
        const [key, value] = [mapper(node['key']), mapper(node['value'])];
        return this.#operator(node, (record) => [{ ...record, key: key(record.key, record.value), value: value(record.key, record.value) }], true);
      }
      case 'selectKey':
      case 'groupBy': {
        const key = mapper(node['key']);
        const step = (record: NaiveRecord): NaiveRecord[] => [{ ...record, key: key(record.key, record.value) }];
        this.#operator(node, step, true);
        if (node.op === 'groupBy') this.#groups.set(id, this.#settled(id, `${id}-grouped`));
        return;
      }
      case 'flatMap': {
        const pairs = listOfPairs(node['pairs']);
        return this.#operator(node, (record) => pairs(record.key, record.value).map(([key, value]) => ({ ...record, key, value })), true);
      }
      case 'flatMapValues': {
        const values = listOfValues(node['values']);
        return this.#operator(node, (record) => values(record.key, record.value).map((value) => ({ ...record, value })));
      }
      case 'merge':
        for (const parent of new Set([from, node['with'] as string])) this.#hang(parent, (record) => this.#forward(id, record));
        this.#isChanged.set(id, this.#isChanged.get(from) === true || this.#isChanged.get(node['with']) === true);
        return;
      case 'split': {
        const branches = (node['branches'] as { name: string; predicate: any }[]).map(({ name, predicate: ref }) => ({ name, test: predicate(ref) }));
        for (const name of [...branches.map((branch) => branch.name), node['default']]) this.#isChanged.set(`${id}.${name}`, this.#isChanged.get(from) === true);
        return this.#hang(from, (record) => {
          const name = branches.find(({ test }) => test(record.key, record.value))?.name ?? node['default'];
          if (name !== undefined) this.#forward(`${id}.${name}`, record);
        });
      }
      case 'repartition': {
        const source = this.#throughTopic(from, node['name']);
        return this.#hang(source, (record) => this.#forward(id, record));
      }
      case 'groupByKey':
        this.#groups.set(id, this.#settled(from, `${id}-grouped`));
        return;
      case 'count':
      case 'reduce':
      case 'aggregate':
        return this.#aggregate(node);
      case 'toTable': {
        const rows = this.#rows(node);
        return this.#hang(this.#settled(from, node['store']?.name ?? id), (record) => {
          if (isNull(record.key)) return;
          if (isNull(record.value)) rows.delete(record.key);
          else rows.set(record.key, { value: record.value, timestamp: record.timestamp });
          this.#forward(id, record);
        });
      }
      case 'toStream': {
        const key = node['key'] === undefined ? undefined : mapper(node['key']);
        return this.#operator(node, (record) => [key === undefined ? record : { ...record, key: key(record.key, record.value) }], key !== undefined);
      }
      case 'to':
        return this.#sink(node);
      case 'process':
      case 'processValues':
        this.#isChanged.set(id, node.op === 'process' || this.#isChanged.get(from) === true);
        return this.#hang(from, this.#processor(node['processor'], (record) => this.#forward(id, record)));
      default:
        throw new Error(`The plain engine has no ${node.op}.`);
    }
  }

  /** Rows of a table: `{ value, timestamp }` by key. */
  #rows(node: CaseNode): Map<string, any> {
    const rows = new Map<string, any>();
    this.stores.set(node['store']?.name ?? node.id, rows);
    return rows;
  }

  #aggregate(node: CaseNode): void {
    const rows = this.#rows(node);
    const step: (key: any, value: any, row: any) => any =
      node.op === 'count' ? (_key, _value, row) => (row ?? 0) + 1
      : node.op === 'reduce' ? (_key, value, row) => (row === undefined ? value : reducer(node['reducer'])(row, value))
      : (key, value, row) => aggregator(node['aggregator'])(key, value, row ?? node['initial']);
    this.#hang(this.#groups.get(node['from'])!, ({ key, value, timestamp, headers }) => {
      if (isNull(key) || isNull(value)) return;
      const before = rows.get(key);
      const after = step(key, value, before?.value);
      const time = Math.max(before?.timestamp ?? timestamp, timestamp);
      if (isNull(after)) rows.delete(key);
      else rows.set(key, { value: after, timestamp: time });
      this.#forward(node.id!, { key, value: after, timestamp: time, headers });
    });
  }

  #sink(node: CaseNode): void {
    const { prefix, mapper: ref } = node['topicFrom'] ?? {};
    const topicOf = node['topicFrom'] === undefined ? () => node['topic'] as string : (record: NaiveRecord) => prefix + text(mapper(ref)(record.key, record.value));
    if (node['topic'] !== undefined) this.outputs.set(node['topic'], this.outputs.get(node['topic']) ?? []);
    this.#hang(node['from'], (record) => {
      const topic = topicOf(record);
      const { key, value, timestamp, headers } = record;
      const line = { step: this.#step, key: key ?? null, value: value ?? null, timestamp, ...(headers.length === 0 ? {} : { headers }) };
      this.outputs.set(topic, [...(this.outputs.get(topic) ?? []), line]);
      this.#pending.push([topic, record]);
    });
  }

  #every(ref: any, call: (now: number, entry: Punctuator) => void): void {
    const type = ref.time as Punctuator['type'];
    let dueMs = (ref.startAtMs as number | undefined) ?? (type === 'stream' ? 0 : this.#wall + ref.everyMs);
    while (type === 'wallClock' && dueMs < this.#wall) dueMs += ref.everyMs;
    if (type === 'wallClock' && dueMs === this.#wall && ref.startAtMs !== this.#wall) dueMs += ref.everyMs;
    const entry: Punctuator = { type, everyMs: ref.everyMs, dueMs, isCancelled: false, call: (now) => call(now, entry) };
    this.#punctuators.push(entry);
  }

  #processor(ref: any, forward: Step): Step {
    const plain = (): Map<string, any> => this.stores.get(ref.store)!;
    const put = ({ key, value }: NaiveRecord): void => {
      if (isNull(key)) return;
      if (isNull(value)) plain().delete(key);
      else plain().set(key, value);
    };
    const inOrder = (): [string, any][] => [...plain()].sort(([a], [b]) => byBytes(a, b));
    const timed = (): { key: any; value: any; timestamp: number }[] => this.#timed.get(ref.store)!;
    /** What a window store still shows, by time, then arrival. */
    const shown = (key: any, from: number, to: number): { value: any; timestamp: number }[] => {
      const highest = Math.max(...timed().map(({ timestamp }) => timestamp));
      const { retentionMs } = this.#specs.get(ref.store) as any;
      return timed().filter((entry) => entry.key === key && entry.timestamp >= from && entry.timestamp <= to && entry.timestamp > highest - retentionMs).sort((a, b) => a.timestamp - b.timestamp);
    };
    const putTimed = (key: any, value: any, timestamp: number): void => {
      const at = timed().findIndex((entry) => entry.key === key && entry.timestamp === timestamp);
      if (at >= 0 && this.#specs.get(ref.store)!['retainDuplicates'] !== true) timed().splice(at, 1);
      timed().push({ key, value, timestamp });
    };
    const made = (key: any, value: any, timestamp: number): void => forward({ key, value, timestamp, headers: [] });
    switch (ref.name as string) {
      case 'dedupe':
        return (record) => {
          const id = mapper(ref.id)(record.key, record.value);
          const t = record.timestamp;
          if (!isNull(id)) {
            if (shown(id, Math.max(0, t - ref.windowMs), t + ref.windowMs).length > 0) return;
            putTimed(id, t, t);
          }
          forward(record);
        };
      case 'previous':
        return (record) => {
          if (isNull(record.key)) return;
          const old = plain().get(record.key);
          put(record);
          forward({ ...record, value: `${text(old)}>${text(record.value)}` });
        };
      case 'lookup':
        return (record) => {
          const found = isNull(record.key) ? undefined : plain().get(record.key);
          forward({ ...record, value: `${text(record.value)}|${text(this.#specs.has(ref.store) ? found : found?.value)}` });
        };
      case 'twice':
        return (record) => {
          forward({ ...record, value: `${text(record.value)}#1` });
          forward({ ...record, value: `${text(record.value)}#2` });
        };
      case 'headerAsValue':
        return (record) => forward({ ...record, value: record.headers.filter(([name]) => name === ref.header).at(-1)?.[1] ?? null });
      case 'times':
        return (record) => forward({ ...record, value: `stream=${this.#streamTime} wall=${this.#wall}` });
      case 'place':
        return (record) => forward({ ...record, value: this.#place === undefined ? 'null--1@-1' : `${this.#place.topic}-0@${this.#place.offset}` });
      case 'addHeader':
        return (record) => forward({ ...record, headers: [...record.headers, [ref.header, ref.text]] });
      case 'removeHeader':
        return (record) => forward({ ...record, headers: record.headers.filter(([name]) => name !== ref.header) });
      case 'shiftTime':
        return (record) => forward({ ...record, timestamp: Math.max(0, record.timestamp + ref.ms) });
      case 'put':
        return put;
      case 'listing':
        return (record) => {
          put(record);
          const entries = inOrder().filter(([key]) => (ref.from === undefined || byBytes(key, ref.from) >= 0) && (ref.to === undefined || byBytes(key, ref.to) <= 0));
          if (ref.reverse === true) entries.reverse();
          forward({ ...record, value: entries.map(([key, value]) => `${key}=${text(value)}`).join(',') });
        };
      case 'recent':
        return (record) => {
          const { key, value, timestamp } = record;
          if (isNull(key) || isNull(value)) return;
          putTimed(key, value, timestamp);
          forward({ ...record, value: shown(key, Math.max(0, timestamp - ref.backMs), timestamp).map((entry) => `${text(entry.value)}@${entry.timestamp}`).join(',') });
        };
      case 'tick': {
        let calls = 0;
        this.#every(ref, (now, entry) => {
          made(ref.key, `${++calls}@${now}`, now);
          entry.isCancelled = calls === ref.stopAfter;
        });
        return forward;
      }
      case 'countThenPunctuate':
        this.#every(ref, (now) => {
          for (const [key, value] of inOrder()) made(key, value, now);
          if (ref.clear === true) plain().clear();
        });
        return ({ key }) => {
          if (!isNull(key)) plain().set(key, (plain().get(key) ?? 0) + 1);
        };
      case 'expire':
        this.#every(ref, (now) => {
          for (const [key, value] of inOrder()) {
            if (value >= now - ref.ttlMs) continue;
            plain().delete(key);
            made(key, 'expired', now);
          }
        });
        return (record) => {
          if (!isNull(record.key)) plain().set(record.key, Math.max(plain().get(record.key) ?? 0, record.timestamp));
          forward(record);
        };
      default:
        throw new Error(`The plain engine has no processor ${ref.name}.`);
    }
  }
}
