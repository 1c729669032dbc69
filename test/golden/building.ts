// From the nodes of a case to a topology of ours. Each family of operators has a file in nodes/.

import { StreamsBuilder, type AnyStoreSpec, type KStream, type KTable, type Serde, type Topology } from 'millrace';
import type { CaseNode, CaseStore } from './golden-case.ts';
import { foreignKeyNodes } from './nodes/foreign-key.ts';
import { groupNodes } from './nodes/groups.ts';
import { joinNodes } from './nodes/joins.ts';
import { processorNodes } from './nodes/processors.ts';
import { streamNodes } from './nodes/streams.ts';
import { tableNodes } from './nodes/tables.ts';
import { windowNodes } from './nodes/windows.ts';

export type NodeBuilder = (node: CaseNode, building: Building) => unknown;

const BUILDERS: Readonly<Record<string, readonly NodeBuilder[]>> = collect([streamNodes, groupNodes, tableNodes, windowNodes, joinNodes, foreignKeyNodes, processorNodes]);

function collect(families: readonly Readonly<Record<string, NodeBuilder>>[]): Record<string, NodeBuilder[]> {
  const all: Record<string, NodeBuilder[]> = {};
  for (const family of families) for (const [op, build] of Object.entries(family)) (all[op] ??= []).push(build);
  return all;
}

/** What has been built so far. A family's builder answers undefined where the node is not one of its kind (a `count` of windows, say). */
export class Building {
  readonly builder = new StreamsBuilder();
  /** Stores of `stateStore` nodes. */
  readonly stores = new Map<string, AnyStoreSpec>();
  /** By the names of their stores: tables, for processors that look into them. */
  readonly owners = new Map<string, KTable<any, any>>();
  readonly #handles = new Map<string, unknown>();
  readonly #joinable = new Map<string, KStream<any, any>>();
  readonly #storeNames = new Set<string>();
  #unnamed = 0;

  static topologyOf(nodes: readonly CaseNode[]): { topology: Topology; building: Building } {
    const building = new Building();
    for (const node of nodes) building.#add(node);
    return { topology: building.builder.build(), building };
  }

  handle(id: string): any {
    if (!this.#handles.has(id)) throw new Error(`The case has no node "${id}" before this one.`);
    return this.#handles.get(id);
  }

  stream(id: string): KStream<any, any> {
    return this.handle(id);
  }

  /** A stream as joins take it. Where a topic must come before, Kafka Streams makes one for all joins of the stream that give it no name; ours is asked for it. */
  joinable(id: string, serdes: { key: Serde<any>; value: Serde<any> }): KStream<any, any> {
    const stream = this.stream(id);
    if (!stream.parts.keyChanged) return stream;
    const known = this.#joinable.get(id) ?? stream.repartition({ name: `${id}-joined`, ...serdes });
    this.#joinable.set(id, known);
    return known;
  }

  table(id: string): KTable<any, any> {
    return this.handle(id);
  }

  set(id: string, handle: unknown): void {
    this.#handles.set(id, handle);
  }

  /** A name where ours must have one and the case gives none. */
  nameOf(node: CaseNode): string {
    return (node['store'] as CaseStore | undefined)?.name ?? `${node.id ?? node.op}-unnamed-${this.#unnamed++}`;
  }

  /** Ours are only known by the operators that use them, which checks their names; those of a case are, from their nodes on. */
  nameStore(name: string): void {
    if (this.#storeNames.has(name)) throw new Error(`Two stores are called "${name}".`);
    this.#storeNames.add(name);
  }

  #add(node: CaseNode): void {
    for (const build of BUILDERS[node.op] ?? []) {
      const handle = build(node, this);
      if (handle === undefined) continue;
      if (node.id !== undefined) this.set(node.id, handle);
      if (node['store'] === undefined) return;
      this.nameStore(node['store'].name);
      this.owners.set(node['store'].name, handle as KTable<any, any>);
      return;
    }
    throw new Error(`Nothing builds the node ${JSON.stringify(node)}.`);
  }
}

/** For builders that leave no handle behind. */
export const DONE = null;
