// A case while it is being drawn: its nodes so far, and what is known of each handle that later nodes may take.

import type { CaseNode, CaseRead, Json } from '../golden-case.ts';
import type { Random } from '../../simulation/random.ts';
import type { Shape } from './shapes.ts';

export type KeyKind = 'string' | 'windowed';

export interface StreamHandle {
  readonly id: string;
  readonly key: KeyKind;
  readonly value: Shape;
  readonly mayHaveNullKeys: boolean;
  readonly mayHaveNullValues: boolean;
  /** At most so many records for each that came in. */
  readonly fan: number;
  /** Topics that it comes from; a sink to one of them would be a loop without end. */
  readonly topics: ReadonlySet<string>;
  /** Suppressions above it; while one lets an update go, Kafka Streams' view of the suppressed table still shows what was before. */
  readonly held: ReadonlySet<string>;
  /** Whether each record still is one that was read, with its topic and offset. */
  readonly isAsRead: boolean;
}

/** Where a table's rows come from, as far as it says what a filter below may know. */
export interface TableRoot {
  /** By its declaration: a named store, an aggregate, a join. */
  readonly isStored: boolean;
  /** By an operator that was added meanwhile. */
  isAsked: boolean;
}

/** What the first result of an aggregate tells as the old value: its initial value, which it never was (12.18). `unknown`: something made of it. */
export type FalseOldValue = { readonly value: Json } | 'unknown' | undefined;

export interface Windows {
  readonly kind: 'tumbling' | 'hopping' | 'sliding' | 'session';
  readonly description: string;
}

export interface TableHandle {
  readonly id: string;
  readonly key: KeyKind;
  readonly value: Shape;
  /** Kafka Streams knows serdes of its rows, which some operators want. */
  readonly hasSerdes: boolean;
  readonly historyMs: number | undefined;
  readonly roots: readonly TableRoot[];
  readonly falseOldValue: FalseOldValue;
  /** Joined of what comes from one topic: a record makes several updates, and all but the last tell of rows that are half new. */
  readonly isDiamond: boolean;
  /** Not so: whoever looks a suppressed row up may find a false old value; and Kafka Streams cannot look up what a windowed cogroup aggregates. */
  readonly isReadable: boolean;
  /** Whether the first update of a row may be none. */
  readonly mayBeginWithNull: boolean;
  readonly windows: Windows | undefined;
  readonly held: ReadonlySet<string>;
  readonly fan: number;
  readonly topics: ReadonlySet<string>;
}

export interface GroupHandle {
  readonly id: string;
  readonly of: 'stream' | 'table';
  readonly value: Shape;
  readonly mayHaveNullValues: boolean;
  readonly fan: number;
  readonly topics: ReadonlySet<string>;
}

export interface CogroupHandle {
  readonly id: string;
  readonly value: Shape;
  readonly initial: Json;
  readonly mayGiveNull: boolean;
  readonly mayHaveNullValues: boolean;
  readonly fan: number;
  readonly topics: ReadonlySet<string>;
}

export interface CutHandle {
  readonly id: string;
  readonly group: GroupHandle | CogroupHandle;
  readonly windows: Windows;
  readonly emitsOnClose: boolean;
}

export interface GlobalHandle {
  readonly id: string;
  readonly store: string | undefined;
  readonly value: Shape;
  readonly topic: string;
}

/** A topic that the topology reads, and that a sink may write to as well. */
export interface InputTopic {
  readonly topic: string;
  readonly value: Shape;
  readonly mayHaveNullKeys: boolean;
  readonly isVersioned: boolean;
}

/** A store that processors, or the reads of the case, know by its name. */
export interface KnownStore {
  readonly name: string;
  readonly kind: CaseRead['kind'];
  readonly value: Shape;
  /** A processor may look a key up in it. */
  readonly canBeLookedUp: boolean;
  /** Then every processor may, and none names it as its own. */
  readonly isGlobal: boolean;
}

export class Draft {
  readonly random: Random;
  readonly nodes: CaseNode[] = [];
  readonly streams: StreamHandle[] = [];
  readonly tables: TableHandle[] = [];
  readonly groups: GroupHandle[] = [];
  readonly cogroups: CogroupHandle[] = [];
  readonly cuts: CutHandle[] = [];
  readonly globals: GlobalHandle[] = [];
  readonly inputs: InputTopic[] = [];
  readonly stores: KnownStore[] = [];
  /** Streams and tables that nothing hangs on yet. */
  readonly loose = new Set<string>();
  /** From a topic that is read to those that what is made of it is written to: it must not lead back. */
  readonly #flows = new Map<string, Set<string>>();
  /** Groups and cogroups that are used up: Kafka Streams cannot build a second cogroup of a group that goes through a topic, nor two aggregates of one cogroup. */
  readonly used = new Set<string>();
  usesWallClock = false;
  throttles = false;
  hasDynamicSink = false;
  #counter = 0;

  constructor(random: Random) {
    this.random = random;
  }

  fresh(prefix: string): string {
    return `${prefix}${this.#counter++}`;
  }

  /** Adds a node and answers its id. */
  add(op: string, members: Readonly<Record<string, unknown>>): string {
    const id = this.fresh('n');
    this.nodes.push({ id, op, ...members });
    for (const parent of [members['from'], members['with']]) if (typeof parent === 'string') this.loose.delete(parent);
    return id;
  }

  /** A node without an id. */
  addSilent(op: string, members: Readonly<Record<string, unknown>>): void {
    this.nodes.push({ op, ...members });
    if (typeof members['from'] === 'string') this.loose.delete(members['from']);
  }

  stream(handle: StreamHandle): true {
    this.streams.push(handle);
    this.loose.add(handle.id);
    return true;
  }

  table(handle: TableHandle): true {
    this.tables.push(handle);
    this.loose.add(handle.id);
    return true;
  }

  /** One that will do, or undefined. The latest are likelier: chains get long. */
  choose<T>(from: readonly T[], willDo: (handle: T) => boolean = () => true): T | undefined {
    const fitting = from.filter(willDo);
    if (fitting.length === 0) return undefined;
    return this.random.chance(0.5) ? fitting.at(-1)! : this.random.pick(fitting);
  }

  flow(from: Iterable<string>, to: string): void {
    for (const topic of from) this.#flows.set(topic, (this.#flows.get(topic) ?? new Set()).add(to));
  }

  /** Whether what is written to `start` can come to one of `ends`. */
  leadsTo(start: string, ends: ReadonlySet<string>): boolean {
    const seen = new Set<string>();
    const open = [start];
    for (let topic = open.pop(); topic !== undefined; topic = open.pop()) {
      if (ends.has(topic)) return true;
      if (seen.has(topic)) continue;
      seen.add(topic);
      open.push(...(this.#flows.get(topic) ?? []));
    }
    return false;
  }
}

/** Whether both hang on one suppression: joined with itself, it would meet its own past. */
export function shareHeld(one: { readonly held: ReadonlySet<string> }, other: { readonly held: ReadonlySet<string> }): boolean {
  return [...one.held].some((each) => other.held.has(each));
}

export function union<T>(one: ReadonlySet<T>, other: ReadonlySet<T>): ReadonlySet<T> {
  return new Set([...one, ...other]);
}
