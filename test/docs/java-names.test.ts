// "Coming from Kafka Streams" promises names: each has to exist, and nothing that the DSL has may be missing.

import { describe, expect, it } from 'vitest';
import { textOf } from '../tidy/sources.ts';
import { membersOf, publicDeclarations } from './public-names.ts';

/** What a span of code calls the objects that it uses. */
const RECEIVERS: Readonly<Record<string, readonly string[]>> = {
  builder: ['StreamsBuilder'],
  stream: ['KStream'],
  table: ['KTable'],
  group: ['KGroupedStream'],
  tableGroup: ['KGroupedTable'],
  cogrouped: ['CogroupedKStream'],
  windowed: ['TimeWindowedKStream'],
  sessions: ['SessionWindowedKStream'],
  context: ['ProcessorContext'],
  schedule: ['Schedule'],
  store: ['KeyValueStore', 'OrderedKeyValueStore', 'WindowStore', 'SessionStore', 'VersionedStore', 'TimerStore'],
  streams: ['KafkaStreams'],
  driver: ['TopologyTestDriver'],
  input: ['TestInputTopic'],
  output: ['TestOutputTopic'],
};
/** Arguments that stand for what a reader has. */
const PLACEHOLDERS = new Set(['fn', 'other', 'windows', 'serde', 'spec', 'settings', 'listener', 'counter', 'record', 'records', 'branches', 'topology', 'broker', 'child', 'ms', 'fromMs', 'toMs', 'earliestEndMs', 'latestStartMs', 'wipeState']);

const declarations = publicDeclarations();
const membersByName = new Map([...declarations.keys()].map((name) => [name, new Set(membersOf(name, declarations).map((member) => member.name))]));
const known = new Set([...declarations.keys(), ...[...membersByName.values()].flatMap((members) => [...members])]);

/** Names in a span that nothing of the package has. */
function unknownNames(span: string): string[] {
  const code = span.replaceAll(/'[^']*'|\.\.\./g, '');
  const calls = [...code.matchAll(/\b(\w+)\.(\w+)/g)].map(([, receiver, member]) => [receiver!, member!] as const);
  const wrongCalls = calls.filter(([receiver, member]) => ![...(RECEIVERS[receiver] ?? [receiver])].some((owner) => membersByName.get(owner)?.has(member)));
  const single = code.replaceAll(/\b\w+\.\w+/g, '');
  const wrongNames = [...single.matchAll(/[A-Za-z_]\w*/g)].map(([name]) => name).filter((name) => !known.has(name) && !PLACEHOLDERS.has(name) && RECEIVERS[name] === undefined);
  return [...wrongCalls.map((call) => call.join('.')), ...wrongNames];
}

interface Row {
  readonly heading: string;
  readonly spans: readonly string[];
}

const rows: Row[] = textOf('docs/coming-from-kafka-streams.md')
  .split('\n| Java | ')
  .slice(1)
  .flatMap((table) => {
    const [head, , ...lines] = table.split('\n');
    return lines.slice(0, lines.findIndex((line) => !line.startsWith('|'))).map((line) => {
      const cells = line.replaceAll('\\|', '').split('|').slice(1, -1);
      return { heading: head!.split('|')[0]!.trim(), spans: [...(cells[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, span]) => span!) };
    });
  });

describe('docs/coming-from-kafka-streams.md', () => {
  it('names only what the package has', () => {
    const spans = rows.filter(({ heading }) => heading === 'Millrace').flatMap((row) => row.spans);
    expect(spans.length).toBeGreaterThan(100);
    expect(spans.map((span) => [span, unknownNames(span)] as const).filter(([, unknown]) => unknown.length > 0)).toEqual([]);
  });

  it('names the settings that there are, all of them', () => {
    const settings = rows.filter(({ heading }) => heading === 'setting').flatMap((row) => row.spans);
    expect([...new Set(settings)].sort()).toEqual([...membersByName.get('StreamsSettings')!].sort());
  });

  it('leaves out no operator', () => {
    const page = textOf('docs/coming-from-kafka-streams.md');
    const missing = ['builder', 'stream', 'table', 'group', 'tableGroup', 'cogrouped', 'windowed', 'sessions', 'driver', 'input', 'output', 'streams'].flatMap((receiver) =>
      RECEIVERS[receiver]!.flatMap((owner) => [...membersByName.get(owner)!]).filter((member) => !new RegExp(`\\b${receiver}\\.${member}\\b`).test(page)).map((member) => `${receiver}.${member}`),
    );
    // Of the driver, what has no counterpart in Java is on the page about tests.
    expect(missing.filter((name) => !textOf('docs/testing.md').includes(name.replace('driver.', '')))).toEqual([]);
  });

  it('would notice a name that is not there', () => {
    expect(unknownNames('stream.through(topic)')).toEqual(['stream.through']);
    expect(unknownNames('stream.join(other, fn, { name, windov })')).toEqual(['windov']);
    expect(unknownNames('Grouped')).toEqual(['Grouped']);
    expect(unknownNames('Serdes.string()')).toEqual([]);
  });
});
