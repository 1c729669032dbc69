// windowedBy, windowed aggregates and suppress.

import {
  CogroupedKStream,
  KGroupedStream,
  hopping,
  session,
  SessionWindowedCogroupedKStream,
  SessionWindowedKStream,
  sliding,
  TimeWindowedCogroupedKStream,
  TimeWindowedKStream,
  tumbling,
  untilTimeLimit,
  untilWindowCloses,
  type Serde,
  type WindowedOptions,
} from 'millrace';
import type { Building, NodeBuilder } from '../building.ts';
import { anyJson, serdeOf, serdesOf } from '../case-serdes.ts';
import { aggregator, merger, reducer } from '../functions.ts';
import type { CaseNode } from '../golden-case.ts';

type Windowed = TimeWindowedKStream<any, any> | SessionWindowedKStream<any, any> | TimeWindowedCogroupedKStream<any, any> | SessionWindowedCogroupedKStream<any, any>;

/** A group cut into windows, and what its `windowedBy` says about emitting; ours is told where the aggregate is. */
class CutGroup {
  readonly windowed: Windowed;
  readonly emit: 'on-update' | 'on-close';

  constructor(windowed: Windowed, emit: 'on-update' | 'on-close') {
    this.windowed = windowed;
    this.emit = emit;
  }
}

function cut(group: KGroupedStream<any, any> | CogroupedKStream<any, any>, windows: any): Windowed {
  switch (windows.type) {
    case 'tumbling':
      return group.windowedBy(tumbling(windows));
    case 'hopping':
      return group.windowedBy(hopping(windows));
    case 'sliding':
      return group.windowedBy(sliding(windows));
    case 'session':
      return group.windowedBy(session(windows));
    default:
      throw new Error(`There are no windows of the type "${windows.type}".`);
  }
}

function optionsOf(node: CaseNode, { emit }: CutGroup, building: Building): WindowedOptions {
  const retentionMs = node['store']?.retentionMs as number | undefined;
  return { name: building.nameOf(node), emit, ...(retentionMs === undefined ? {} : { retentionMs }) };
}

export const windowNodes: Readonly<Record<string, NodeBuilder>> = {
  windowedBy: (node, building) => new CutGroup(cut(building.handle(node['from']), node['windows']), node['emit'] === 'onWindowClose' ? 'on-close' : 'on-update'),
  count: (node, building) => {
    const group = building.handle(node['from']);
    return group instanceof CutGroup && 'count' in group.windowed ? group.windowed.count(optionsOf(node, group, building)) : undefined;
  },
  reduce: (node, building) => {
    const group = building.handle(node['from']);
    if (!(group instanceof CutGroup) || !('reduce' in group.windowed)) return undefined;
    const reduce = reducer(node['reducer']);
    return group.windowed.reduce((a, b) => reduce(a, b), optionsOf(node, group, building));
  },
  aggregate: (node, building) => {
    const group = building.handle(node['from']);
    if (!(group instanceof CutGroup)) return undefined;
    const { windowed } = group;
    const options = { ...optionsOf(node, group, building), initial: () => node['initial'], value: serdesOf(node).value };
    const merge = (): ((one: any, two: any, k: any) => any) => {
      const merged = merger(node['merger']);
      return (one, two, k) => merged(k, one, two);
    };
    if (windowed instanceof TimeWindowedCogroupedKStream) return windowed.aggregate(options);
    if (windowed instanceof SessionWindowedCogroupedKStream) return windowed.aggregate({ ...options, merge: merge() });
    const add = aggregator(node['aggregator']);
    const adding = { ...options, add: (v: any, current: any, k: any) => add(k, v, current) };
    return windowed instanceof SessionWindowedKStream ? windowed.aggregate({ ...adding, merge: merge() }) : windowed.aggregate(adding);
  },
  suppress: (node, building) => {
    const table = building.table(node['from']);
    // The case does not say how waiting updates are written: their tables do in Kafka Streams.
    const options = { name: `${node.id}-suppressed`, value: anyJson };
    const bound = node['maxRecords'] === undefined ? {} : { maxRecords: node['maxRecords'] as number };
    if (node['until'] === 'windowCloses') return table.suppress(untilWindowCloses({ ...bound, whenFull: 'fail' } as never), options);
    const whenFull = node['whenFull'] === 'emitEarly' ? 'emit-early' : 'fail';
    const until = untilTimeLimit({ limitMs: node['limitMs'], ...bound, whenFull } as never);
    return isWindowed(node['from'], building) ? table.suppress(until, options) : table.suppress(until, { ...options, key: serdeOf('string') as Serde<string> });
  },
};

/** Whether a table's keys name windows: their serde is then known to the table. */
function isWindowed(table: string, building: Building): boolean {
  return building.table(table).parts.windows !== undefined;
}
