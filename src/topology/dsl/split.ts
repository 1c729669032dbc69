// split: each record goes to the first branch that takes it, or to the default, or nowhere.

import type { GraphBuilder } from '../graph/graph-builder.ts';
import { TopologyError } from '../errors.ts';
import type { ProcessorSupplier } from '../processor.ts';
import { stateless } from '../operators/stateless.ts';

/** True: the record takes this branch. */
export type Predicate<K, V> = (value: V, key: K) => boolean;

/** Branches by name, asked in the order they are written. */
export type Branches<K, V> = Readonly<Record<string, Predicate<K, V>>>;

/** Adds a node that chooses, and one for each branch; returns theirs by branch. @throws {TopologyError} */
export function addSplit<K, V>(graph: GraphBuilder, parents: readonly string[], branches: Branches<K, V>, rest: string | undefined): Map<string, string> {
  const names = Object.keys(branches);
  const problems = names.filter((name) => /^\d+$/.test(name)).map((name) => `a branch is named "${name}": JavaScript puts such names before all others, so the order would not be as written; add a letter`);
  if (rest !== undefined && names.includes(rest)) problems.push(`the default branch of a split is named "${rest}" like another branch: give it a name of its own`);
  if (problems.length > 0) throw new TopologyError(problems);

  const node = graph.autoName('BRANCH');
  const nodes = new Map<string, string>();
  const choose = (): readonly (readonly [Predicate<K, V>, string])[] => Object.entries(branches).map(([name, predicate]) => [predicate, nodes.get(name)!]);
  graph.processor(node, parents, branching(choose, () => (rest === undefined ? undefined : nodes.get(rest))));
  for (const name of rest === undefined ? names : [...names, rest]) {
    nodes.set(name, graph.processor(graph.autoName('BRANCHCHILD'), [node], stateless<K, V, K, V>((record, forward) => forward(record))));
  }
  return nodes;
}

/** Nodes of the branches are only known after the one that chooses. */
function branching<K, V>(choose: () => readonly (readonly [Predicate<K, V>, string])[], rest: () => string | undefined): ProcessorSupplier<K, V, K, V> {
  return () => {
    const choices = choose();
    const otherwise = rest();
    let forwardTo: (child: string, record: Parameters<ReturnType<ProcessorSupplier<K, V, K, V>>['process']>[0]) => void;
    return {
      init(context) {
        forwardTo = (child, record) => context.forwardTo(child, record);
      },
      process(record) {
        for (const [predicate, child] of choices) if (predicate(record.value, record.key)) return forwardTo(child, record);
        if (otherwise !== undefined) forwardTo(otherwise, record);
      },
    };
  };
}
