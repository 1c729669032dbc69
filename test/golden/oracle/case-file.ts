// How golden cases are written: one line for each node, step and record, so that they can be read and compared.

import type { GoldenCase, Json } from '../golden-case.ts';

export function caseFile(golden: GoldenCase): string {
  const { name, about, settings, topology, steps, reads, expect } = golden;
  const members = [
    `  "name": ${JSON.stringify(name)}`,
    `  "about": ${JSON.stringify(about)}`,
    ...(settings === undefined ? [] : [`  "settings": ${JSON.stringify(settings)}`]),
    `  "topology": {\n    "nodes": ${list(topology.nodes, '    ')}\n  }`,
    `  "steps": ${list(steps, '  ')}`,
    ...(reads === undefined || reads.length === 0 ? [] : [`  "reads": ${list(reads, '  ')}`]),
    `  "expect": {\n${expected(expect)}\n  }`,
  ];
  return `{\n${members.join(',\n')}\n}\n`;
}

function expected(expect: GoldenCase['expect']): string {
  const byName = (all: Readonly<Record<string, readonly Json[]>>): string => {
    const each = Object.entries(all).map(([name, entries]) => `      ${JSON.stringify(name)}: ${list(entries, '      ')}`);
    return each.length === 0 ? '{}' : `{\n${each.join(',\n')}\n    }`;
  };
  return Object.entries(expect)
    .map(([member, value]) => `    ${JSON.stringify(member)}: ${member === 'outputs' || member === 'stores' ? byName(value as never) : JSON.stringify(value)}`)
    .join(',\n');
}

function list(items: readonly unknown[], indent: string): string {
  return items.length === 0 ? '[]' : `[\n${items.map((item) => `${indent}  ${JSON.stringify(item)}`).join(',\n')}\n${indent}]`;
}
