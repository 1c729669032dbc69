// Whether a topology can run: every problem at once, each with what is wrong, why that matters, and what to do.

import { changelogTopic, parentsOf, topicName, topicsOf, type InternalTopicRef, type TopologyNode } from './node.ts';
import type { AnyStoreSpec } from '../store-spec.ts';

/** Kafka's own limit. */
const TOPIC_NAME_MAX = 249;
/** The longest application id that settings allow: a topology must run under any. */
const LONGEST_APPLICATION = 'x'.repeat(100);

/** In words; empty when it can be run. `copartitioned`: names of sources whose topics a join reads together. */
export function validate(nodes: readonly TopologyNode[], copartitioned: readonly (readonly string[])[] = []): string[] {
  return [...problemsOfNames(nodes), ...problemsOfEdges(nodes), ...problemsOfTopics(nodes), ...problemsOfStores(nodes), ...problemsOfCounts(nodes, copartitioned)];
}

function problemsOfNames(nodes: readonly TopologyNode[]): string[] {
  const names = nodes.map(({ name }) => name);
  const unfit = [...new Set(names)].filter((name) => !isTopicName(name));
  return [
    ...repeated(names).map((name) => `two nodes are named "${name}", so nobody could tell which one is meant: give one of them another name`),
    ...unfit.map((name) => `node name "${name}" cannot be part of metrics and topic names: use 1 to ${TOPIC_NAME_MAX} letters, digits, ".", "_" and "-"`),
  ];
}

function problemsOfEdges(nodes: readonly TopologyNode[]): string[] {
  const problems: string[] = [];
  if (!nodes.some(({ kind }) => kind === 'source' || kind === 'global-table')) {
    problems.push('there is no source, so nothing would ever arrive: begin with builder.stream(topic, …) or builder.table(topic, …)');
  }
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const cycle = cycleIn(nodes, byName);
  if (cycle !== undefined) problems.push(`nodes go round in a circle (${cycle.join(' → ')}), so a record would never be done with: lead one of these edges through a topic`);
  const before = new Set<string>();
  for (const node of nodes) {
    if ((node.kind === 'processor' || node.kind === 'sink') && node.parents.length === 0) {
      problems.push(`node "${node.name}" has no parents, so no record would ever reach it: name the node that it follows`);
    }
    for (const parent of parentsOf(node)) {
      const kind = byName.get(parent)?.kind;
      if (kind === undefined) problems.push(`node "${node.name}" hangs on "${parent}", which does not exist: name a node of this topology`);
      else if (kind === 'sink' || kind === 'global-table') problems.push(`node "${node.name}" hangs on "${parent}", which is a ${kind} and hands nothing on: hang it on what comes before, or join the table`);
      else if (!before.has(parent) && cycle === undefined) problems.push(`node "${node.name}" hangs on "${parent}", which does not exist before it: add parents first, for nodes run in the order in which they are added`);
    }
    before.add(node.name);
  }
  return problems;
}

/** Names along a way that comes back to where it began, or undefined. */
function cycleIn(nodes: readonly TopologyNode[], byName: ReadonlyMap<string, TopologyNode>): string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, below: readonly string[]): string[] | undefined => {
    if (below.includes(name)) return [name, ...below.slice(0, below.indexOf(name) + 1)];
    const node = byName.get(name);
    if (node === undefined || done.has(name)) return undefined;
    for (const parent of parentsOf(node)) {
      const found = visit(parent, [name, ...below]);
      if (found !== undefined) return found;
    }
    done.add(name);
    return undefined;
  };
  for (const { name } of nodes) {
    const found = visit(name, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

function problemsOfTopics(nodes: readonly TopologyNode[]): string[] {
  const problems: string[] = [];
  const readers = new Map<string, string>();
  const internal = new Map<string, InternalTopicRef>();
  const unfit = new Set<string>();
  for (const node of nodes) {
    if (node.kind === 'source' && node.topics.length === 0) problems.push(`source "${node.name}" reads no topic, so nothing would ever arrive: name at least one`);
    for (const ref of topicsOf(node)) {
      const shown = topicName(ref, '<app>');
      if (!isTopicName(topicName(ref, LONGEST_APPLICATION))) unfit.add(shown);
      if (node.kind !== 'sink') {
        const other = readers.get(shown);
        if (other === node.name) problems.push(`source "${node.name}" names topic "${shown}" twice, and would take each record twice: name it once`);
        else if (other !== undefined) problems.push(`topic "${shown}" is read by two sources, "${other}" and "${node.name}", and a record can go only one way: read it once and use the stream or table twice (streams of the same topics, serdes and timestamps share a source)`);
        readers.set(shown, node.name);
      }
      if (typeof ref === 'string') continue;
      const other = internal.get(ref.suffix);
      if (other !== undefined && settingsOf(other) !== settingsOf(ref)) {
        problems.push(`the internal topic "${shown}" is asked for with different settings (${settingsOf(other)}, and ${settingsOf(ref)}), and can only be made in one way: give one of the two another name`);
      }
      internal.set(ref.suffix, ref);
    }
  }
  for (const topic of unfit) problems.push(`"${topic}" is not a valid topic name: use letters, digits, ".", "_" and "-", at most ${TOPIC_NAME_MAX} characters with an application id of ${LONGEST_APPLICATION.length}`);
  for (const ref of internal.values()) {
    if (ref.sameAs !== undefined && !internal.has(ref.sameAs)) {
      problems.push(`"<app>-${ref.suffix}" is to have as many partitions as "<app>-${ref.sameAs}", which nobody reads or writes: name an internal topic of this topology`);
    }
  }
  return problems;
}

function problemsOfStores(nodes: readonly TopologyNode[]): string[] {
  const problems: string[] = [];
  const stores = new Map<string, AnyStoreSpec>();
  const mixed = new Set<string>();
  const globals = new Map<AnyStoreSpec, string>(nodes.flatMap((node) => (node.kind === 'global-table' ? [[node.store, node.name] as const] : [])));
  for (const node of nodes) {
    for (const store of storesOf(node)) {
      const other = stores.get(store.name);
      if (other !== undefined && other !== store) mixed.add(store.name);
      stores.set(store.name, store);
      if (node.kind === 'processor' && globals.has(store)) {
        problems.push(`processor "${node.name}" lists the store "${store.name}" of the global table "${globals.get(store)}" as one of its own: leave it out, every processor can read a global table's store`);
      }
    }
  }
  const tables = nodes.flatMap((node) => (node.kind === 'global-table' ? [node.store.name] : []));
  for (const name of new Set([...mixed, ...repeated(tables)])) {
    problems.push(`two stores are named "${name}", and their changelogs would mix: rename one, or hand the same spec object to both processors if they are to share one store`);
  }
  const suffixes = new Set(nodes.flatMap(topicsOf).flatMap((ref) => (typeof ref === 'string' ? [] : [ref.suffix])));
  for (const name of stores.keys()) {
    if (!isTopicName(name)) problems.push(`store name "${name}" cannot be part of a topic name: use letters, digits, ".", "_" and "-"`);
    else if (!isTopicName(changelogTopic(LONGEST_APPLICATION, name))) {
      const most = TOPIC_NAME_MAX - changelogTopic(LONGEST_APPLICATION, '').length;
      problems.push(`store name "${name}" has ${name.length} characters, and the name of its changelog would be too long for Kafka with an application id of ${LONGEST_APPLICATION.length}: use at most ${most}`);
    }
    if (suffixes.has(changelogTopic('', name).slice(1))) {
      problems.push(`"${changelogTopic('<app>', name)}" is both the changelog of the store "${name}" and an internal topic of the same name, and their records would mix: rename one`);
    }
  }
  return problems;
}

/** Counts that are given and can never fit; those that follow from topics of others are looked at when it starts. */
function problemsOfCounts(nodes: readonly TopologyNode[], copartitioned: readonly (readonly string[])[]): string[] {
  const problems: string[] = [];
  const byName = new Map(nodes.map((node) => [node.name, node]));
  for (const node of nodes) {
    for (const ref of topicsOf(node)) {
      if (typeof ref === 'string' || node.kind !== 'sink' || ref.partitions === undefined) continue;
      if (!Number.isSafeInteger(ref.partitions) || ref.partitions < 1) problems.push(`"<app>-${ref.suffix}" is to have ${ref.partitions} partitions: give a whole number of at least 1, or leave it out`);
    }
  }
  for (const group of chains(copartitioned)) {
    for (const name of group) {
      if (byName.get(name)?.kind !== 'source') problems.push(`"${name}" is joined, but is no source of this topology: name the sources that the joined streams come from`);
    }
    const refs = group.flatMap((name) => (byName.has(name) ? topicsOf(byName.get(name)!) : []));
    const given = new Map(refs.flatMap((ref) => (typeof ref === 'string' || ref.partitions === undefined ? [] : [[`<app>-${ref.suffix}`, ref.partitions] as const])));
    if (new Set(given.values()).size <= 1) continue;
    const list = [...given].map(([topic, count]) => `${topic} (${count})`).join(', ');
    problems.push(`topics whose records meet by key must have the same number of partitions, or a key's records end up in different tasks, but are to have: ${list}. Give one number, or leave all but one out`);
  }
  return problems;
}

/** Groups that share a member are one: what is joined with both of two others holds them together. */
function chains(groups: readonly (readonly string[])[]): string[][] {
  const found: string[][] = [];
  for (const group of groups) {
    const touching = found.filter((chain) => chain.some((name) => group.includes(name)));
    for (const chain of touching) found.splice(found.indexOf(chain), 1);
    found.push([...new Set([...touching.flat(), ...group])]);
  }
  return found;
}

function settingsOf({ use, retentionMs, partitions, sameAs }: InternalTopicRef): string {
  const settings = { retentionMs, partitions, sameAs };
  return [use, ...Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]))].join(' ');
}

function storesOf(node: TopologyNode): readonly AnyStoreSpec[] {
  return node.kind === 'processor' ? node.stores : node.kind === 'global-table' ? [node.store] : [];
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function isTopicName(name: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(name) && name.length <= TOPIC_NAME_MAX && name !== '.' && name !== '..';
}
