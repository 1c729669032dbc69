// What a changed topology means for an application that is running: what goes on as it is, what needs a hand, and what stays behind in Kafka.

import type { Fingerprint, StoreFingerprint, TaskFingerprint, TopicFingerprint } from './fingerprint.ts';

/** safe: start the new version. needs-migration: something is lost, refused or left behind unless you do what it says. */
export type ChangeVerdict = 'safe' | 'needs-migration';

/** One difference between two versions, and what it means for state that is there. */
export interface TopologyChange {
  readonly verdict: ChangeVerdict;
  /** `store counts`, `topic <app>-by-word-repartition`, `subtopology 1`. */
  readonly what: string;
  /** What changed, and what follows from that. */
  readonly why: string;
  /** What to do; empty where nothing is to be done. */
  readonly steps: readonly string[];
}

/** What a new version means for an application that is running. */
export interface TopologyDiff {
  readonly isSafe: boolean;
  /** Nothing that persists has changed: the two versions can also run side by side. */
  readonly isSame: boolean;
  readonly changes: readonly TopologyChange[];
  /** Topics that no version reads or writes any more. */
  readonly orphans: readonly string[];
}

const DAY_MS = 86_400_000;

/** `before`: what runs now. Topics are named `<app>-…`, whatever the application id is. */
export function diffTopologies(before: Fingerprint, after: Fingerprint): TopologyDiff {
  const stores = pairs(before.stores, after.stores, ({ name }) => name);
  const topics = pairs(before.topics, after.topics, ({ topic }) => topic);
  const gone = stores.flatMap(([old, now]) => (old !== undefined && now === undefined ? [old] : []));
  const changes = [
    ...stores.flatMap(([old, now]) => storeChanges(old, now, gone)),
    ...topics.flatMap(([old, now]) => topicChanges(old, now)),
    ...layoutChanges(before.tasks, after.tasks),
  ];
  const goneTopics = topics.flatMap(([old, now]) => (old !== undefined && now === undefined ? [old.topic] : []));
  return {
    isSafe: changes.every(({ verdict }) => verdict === 'safe'),
    isSame: changes.length === 0,
    changes,
    orphans: [...gone.map(({ changelog }) => changelog), ...goneTopics],
  };
}

// --- Stores ---

function storeChanges(old: StoreFingerprint | undefined, now: StoreFingerprint | undefined, gone: readonly StoreFingerprint[]): TopologyChange[] {
  if (old === undefined) return [added(now!, gone)];
  const what = `store ${old.name}`;
  if (now === undefined) {
    return [
      {
        verdict: 'needs-migration',
        what,
        why: 'It is gone, and what it remembers with it. Its changelog stays in Kafka.',
        steps: ['If it was only renamed: give it its old name again.', `If its content may go: when no instance of the old version runs any more, ${deletion(old.changelog)}`],
      },
    ];
  }
  const broken = whatCannotBeRead(old, now);
  const changes: TopologyChange[] = [];
  if (broken.length > 0) {
    changes.push({
      verdict: 'needs-migration',
      what,
      why: `${broken.join('; ')}. The new version would read the old one's bytes as its own: it fails, or makes nonsense of them.`,
      steps: [
        'Give the store another name: it begins empty, and the old changelog stays behind until you delete it.',
        'To fill it from the inputs: give the application another applicationId, let it read them from the beginning, and stop the old one when it has caught up.',
        'If the two serdes read the same bytes after all, and only their names differ: nothing is to be done.',
      ],
    });
  }
  changes.push(...lifeChanges(old, now), ...partitioningChanges(old, now));
  if (broken.length === 0 && old.segmentMs !== now.segmentMs && old.retentionMs === now.retentionMs) {
    changes.push({ verdict: 'safe', what, why: `It keeps values together by ${now.segmentMs} ms instead of ${old.segmentMs} ms. ${REBUILT}`, steps: [] });
  }
  return changes;
}

const REBUILT = 'Each instance rebuilds its local copy from the changelog when it starts, and processes nothing before that is done.';

function added(store: StoreFingerprint, gone: readonly StoreFingerprint[]): TopologyChange {
  const what = `store ${store.name}`;
  const twin = gone.find((old) => whatCannotBeRead(old, store).length === 0 && equal(old.partitionedBy, store.partitionedBy));
  if (twin === undefined) return { verdict: 'safe', what, why: 'It is new, and begins empty: it knows nothing of records that have been read already.', steps: [] };
  return {
    verdict: 'needs-migration',
    what,
    why: `It is new, and begins empty. It looks like "${twin.name}", which is gone: if it was renamed, everything it remembered is lost.`,
    steps: [`Give it its old name, "${twin.name}", if it is the same store.`],
  };
}

function whatCannotBeRead(old: StoreFingerprint, now: StoreFingerprint): string[] {
  const differing = (name: 'kind' | 'key' | 'value'): string[] => (old[name] === now[name] ? [] : [`its ${name === 'kind' ? 'kind' : `${name} serde`} was ${old[name]} and is ${now[name]}`]);
  const duplicates = old.retainDuplicates === now.retainDuplicates || old.kind !== now.kind ? [] : [`it ${now.retainDuplicates ? 'keeps several values' : 'keeps one value'} under a key and time, and ${now.retainDuplicates ? 'kept one' : 'kept several'}`];
  return [...differing('kind'), ...differing('key'), ...differing('value'), ...duplicates];
}

const LIVES = ['ttlMs', 'retentionMs', 'historyMs'] as const;

/** How long entries live. The topic's own settings were made with it, and Millrace does not change topics that exist. */
function lifeChanges(old: StoreFingerprint, now: StoreFingerprint): TopologyChange[] {
  if (old.kind !== now.kind) return [];
  return LIVES.filter((name) => old[name] !== now[name]).map((name) => {
    const [was, is] = [old[name], now[name]];
    const changed = `${name} was ${shown(was)} and is ${shown(is)}.`;
    const isShorter = is !== undefined && (was === undefined || is < was);
    const rebuilt = old.segmentMs === now.segmentMs ? '' : ` ${REBUILT}`;
    if (isShorter) {
      return {
        verdict: 'safe' as const,
        what: `store ${old.name}`,
        why: `${changed} What is older is forgotten at once. Its changelog keeps more than it must, until you change that.${rebuilt}`,
        steps: [`To free the space: ${alteration(now)}`],
      };
    }
    return {
      verdict: 'needs-migration' as const,
      what: `store ${old.name}`,
      why: `${changed} What was forgotten does not come back, and its changelog still forgets as it did: a store that is rebuilt from it would miss what the new setting promises.${rebuilt}`,
      steps: [`Before the new version starts: ${alteration(now)}`],
    };
  });
}

function shown(lifeMs: number | undefined): string {
  return lifeMs === undefined ? 'for ever' : `${lifeMs} ms`;
}

/** As `changelogConfig` in src/runtime/topic-plan.ts makes them. */
function alteration(store: StoreFingerprint): string {
  const lifeMs = store.ttlMs ?? store.retentionMs;
  const config =
    store.kind === 'versioned' ? `delete.retention.ms=${DAY_MS + store.historyMs!}`
    : lifeMs === undefined ? 'cleanup.policy=compact'
    : `cleanup.policy=[compact,delete],retention.ms=${lifeMs + DAY_MS},message.timestamp.type=LogAppendTime`;
  return `kafka-configs --bootstrap-server … --alter --topic '${store.changelog}' --add-config '${config}'`;
}

function partitioningChanges(old: StoreFingerprint, now: StoreFingerprint): TopologyChange[] {
  if (equal(old.partitionedBy, now.partitionedBy)) return [];
  const kept = old.partitionedBy.filter((topic) => now.partitionedBy.includes(topic));
  const inputs = `The inputs of its subtopology were ${list(old.partitionedBy)} and are ${list(now.partitionedBy)}.`;
  const what = `store ${old.name}`;
  const count = 'its changelog has as many partitions as the widest of them had, and another number is refused at the start';
  if (kept.length === 0) {
    return [
      {
        verdict: 'needs-migration',
        what,
        why: `${inputs} Its entries are where the old inputs put their keys; ${count}.`,
        steps: [
          'It goes on only if the new inputs have as many partitions, and the same key in the same one: written by the same partitioner, with the same key bytes.',
          'Otherwise give the store another name, or the application another applicationId.',
        ],
      },
    ];
  }
  return [{ verdict: 'needs-migration', what, why: `${inputs} Entries stay where they are; ${count}.`, steps: [`Make sure that the widest input has as many partitions as before (kept: ${list(kept)}). Then nothing else is to be done.`] }];
}

// --- Internal topics ---

function topicChanges(old: TopicFingerprint | undefined, now: TopicFingerprint | undefined): TopologyChange[] {
  const what = `topic ${(old ?? now)!.topic}`;
  if (old === undefined) return [{ verdict: 'safe', what, why: 'It is new, and is made at the start.', steps: [] }];
  if (now === undefined) {
    return [
      {
        verdict: 'needs-migration',
        what,
        why: `It is gone: nobody reads what is still in it. ${old.use === 'pipe' ? 'Commands that wait there, and outcomes that are on their way, are lost; and commands under another name are numbered from 1 again, which workflows that still run take for repetitions.' : 'Records that were written and not yet processed are lost.'}`,
        steps: [drained(old), `When no instance of the old version runs any more, ${deletion(old.topic)}`],
      },
    ];
  }
  const changes: TopologyChange[] = [];
  if (old.key !== now.key || old.value !== now.value) {
    changes.push({
      verdict: 'needs-migration',
      what,
      why: `Its serdes were ${old.key} and ${old.value}, and are ${now.key} and ${now.value}: records that wait in it cannot be read by the new version.`,
      steps: [drained(old), 'Or give the operator another name: it gets a topic of its own, and what waits in the old one is lost.'],
    });
  }
  if (old.partitions !== now.partitions) {
    changes.push({
      verdict: 'needs-migration',
      what,
      why: `It was to have ${counted(old)}, and is to have ${counted(now)}. If the number differs, the new version refuses to start: keys would move away from their state.`,
      steps: ['Give the operator another name, and the stores behind it too: they begin empty.', 'Or keep the number.'],
    });
  } else if (!equal(old.asMany, now.asMany)) {
    changes.push({
      verdict: 'needs-migration',
      what,
      why: `It has as many partitions as the widest of ${list(old.asMany)}; now that is the widest of ${list(now.asMany)}. If the number differs, the new version refuses to start.`,
      steps: ['Make sure that the number is the same, or give the present one with `partitions`.'],
    });
  }
  if (old.retentionMs !== now.retentionMs) {
    changes.push({
      verdict: 'needs-migration',
      what,
      why: `It kept records ${old.retentionMs === null ? 'for ever' : `for ${old.retentionMs} ms`}, and is to keep them ${now.retentionMs === null ? 'for ever' : `for ${now.retentionMs} ms`}; a topic that exists is not changed by itself.`,
      steps: [`kafka-configs --bootstrap-server … --alter --topic '${now.topic}' --add-config 'retention.ms=${now.retentionMs ?? -1}'`],
    });
  }
  return changes;
}

function drained({ topic }: TopicFingerprint): string {
  return `Before the old version stops: stop what writes the inputs, and wait until the group has no lag in ${topic} (kafka-consumer-groups --describe --group <app>).`;
}

function counted({ partitions }: TopicFingerprint): string {
  return partitions === null ? 'as many partitions as its inputs' : `${partitions} partitions`;
}

// --- Tasks ---

/** Tasks are named by their subtopology's number, and so are their folders on disk; what lies in a folder is only used by the task it belongs to. */
function layoutChanges(before: readonly TaskFingerprint[], after: readonly TaskFingerprint[]): TopologyChange[] {
  if (equal(before.map(layout), after.map(layout))) return [];
  const moved = after.filter(({ subtopology, inputs, stores }) => stores.length > 0 && before.every((old) => old.subtopology !== subtopology || !equal(old.inputs, inputs)));
  const rebuilt = moved.map(({ subtopology, stores }) => `${list(stores)} (now in subtopology ${subtopology})`).join(', ');
  const inputs = after.flatMap((task) => task.inputs);
  const left = before.flatMap((task) => task.inputs).filter((topic) => !inputs.includes(topic) && !topic.startsWith('<app>'));
  const changes: TopologyChange[] = [
    {
      verdict: 'needs-migration',
      what: 'task layout',
      why:
        'Subtopologies have other numbers or other inputs, so tasks have other names. Positions and state stay: positions belong to topics, changelogs to stores. ' +
        'But two instances that cut the work in different ways cannot share it: one of the new version is refused while one of the old version runs.' +
        (rebuilt === '' ? '' : ` At its first start these stores are brought up to date from their changelogs, which takes time: ${rebuilt}.`),
      steps: ['Stop all instances of the old version, then start the new one.'],
    },
  ];
  if (left.length > 0) {
    changes.push({
      verdict: 'safe',
      what: `input ${list([...new Set(left)])}`,
      why: 'No longer read. The group keeps its position until the brokers forget it (offsets.retention.minutes, 7 days by default): read again before that, it goes on from there.',
      steps: [],
    });
  }
  return changes;
}

function layout({ subtopology, inputs }: TaskFingerprint): string {
  return `${subtopology}: ${inputs.join(', ')}`;
}

// --- In words ---

function deletion(topic: string): string {
  return `kafka-topics --bootstrap-server … --delete --topic '${topic}'`;
}

function list(topics: readonly string[]): string {
  return topics.length === 0 ? 'nothing' : topics.join(', ');
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}

/** By name, sorted: what was under it and what is. */
function pairs<T>(before: readonly T[], after: readonly T[], nameOf: (one: T) => string): [old: T | undefined, now: T | undefined][] {
  const old = new Map(before.map((one) => [nameOf(one), one]));
  const now = new Map(after.map((one) => [nameOf(one), one]));
  return [...new Set([...old.keys(), ...now.keys()])].sort().map((name) => [old.get(name), now.get(name)]);
}
