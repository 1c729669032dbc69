// A deterministic simulation: the real loop of several instances on one broker in memory, with everything that can go wrong drawn from one seed. After
// every step it checks what must always hold; and at the end, when all trouble is over, that the output is what a naive account of the input says, that tasks
// without any trouble would have written the same (examination.ts), and that stores are what their changelogs say.

import { expect } from 'vitest';
import { BrokerError, KafkaStreams, NO_HEADERS, partitionName, type Broker, type CommitStage, type CommittedOffset, type StreamsSettings, type Topology, type TopicPartition } from 'millrace';
import { FaultyBroker, FaultyStateDirectory, InMemoryCluster, LateCommits, Lifeline, MemoryStateDirectory, type BrokerFault, type FaultPlan, type WritePlan } from 'millrace/testing';
import { decodeOffsetMetadata } from '../../src/runtime/offset-metadata.ts';
import type { StreamThread } from '../../src/runtime/stream-thread.ts';
import { Examination } from './examination.ts';
import { isDeadLetter, JOURNAL, journalled } from './journal.ts';
import { Random } from './random.ts';
import type { CommitRule, Replay } from './replay.ts';
import type { Entry, Line, Scenario } from './scenario.ts';
import { CommittedLog } from './transactions.ts';
import type { Weather } from './weather.ts';

const APP = 'sim';
const START_MS = 1_000_000;

/** A place where instances run, one after the other: a computer with a disk. */
interface Place {
  readonly name: string;
  /** How far its clock is ahead. */
  readonly aheadMs: number;
  disk: MemoryStateDirectory;
  backup: MemoryStateDirectory | undefined;
  instance: Instance | undefined;
}

interface Instance {
  readonly id: number;
  readonly life: Lifeline;
  readonly broker: FaultyBroker;
  readonly processId: string;
  thread: StreamThread | undefined;
  /** What it is busy with: starting, or a round. */
  isBusy: boolean;
  /** False once the group has noticed that it is dead. */
  hasSession: boolean;
  /** The step until which it gets no processor time. */
  frozenUntil: number;
  leaving: 'no' | 'leaving' | 'left';
}

export class Simulation {
  readonly seed: number;
  readonly trace: string[] = [];
  readonly #weather: Weather;
  readonly #scenario: Scenario;
  readonly #topology: Topology;
  readonly #settings: StreamsSettings;
  readonly #recordsPerRound: number;
  readonly #random: Random;
  readonly #cluster: InMemoryCluster;
  readonly #log: CommittedLog;
  readonly #client: Broker;
  readonly #late = new LateCommits();
  readonly #places: Place[];
  /** Dead instances whose session or transaction the broker still believes in. */
  readonly #ghosts: Instance[] = [];
  readonly #entries: Entry[] = [];
  readonly #told: (() => void)[] = [];
  readonly #committed = new Map<string, { offset: number; n: number }>();
  #nowMs = START_MS;
  #made = 0;
  #isFair = false;
  #failure: unknown;

  constructor(seed: number, weather: Weather, scenario: Scenario) {
    this.seed = seed;
    this.#weather = weather;
    this.#scenario = scenario;
    this.#random = new Random(seed);
    this.#topology = journalled(scenario.topology(() => this.#lookUp()));
    this.#settings = anySettings(this.#random);
    this.#recordsPerRound = this.#random.pick([1, 5, 1_000]);
    this.#cluster = new InMemoryCluster({ markerDelay: () => this.#travel() });
    this.#log = new CommittedLog(this.#cluster);
    this.#client = this.#cluster.connect();
    const { committed } = this.#cluster.group(APP);
    const set = committed.set.bind(committed);
    committed.set = (name, offset) => {
      try {
        this.#checkCommitted(name, offset);
      } catch (error) {
        this.#failure ??= error;
      }
      return set(name, offset);
    };
    this.#places = Array.from({ length: weather.instances }, (_, at) => ({ name: `place-${at}`, aheadMs: scenario.needsOneClock ? 0 : this.#random.pick([0, 0, -300, 700]), disk: this.#newDisk(), backup: undefined, instance: undefined }));
  }

  /** @throws what was found, with the seed and the last steps. */
  async run(): Promise<void> {
    try {
      await this.#client.admin.ensureTopics(this.#topics);
      for (const entry of this.#scenario.opening ?? []) await this.#write(entry);
      for (const place of this.#places) this.#start(place);
      for (let step = 0; step < this.#weather.steps; step++) {
        await this.#step(step);
        this.#checkAlways();
      }
      await this.#comeToRest();
      // Twice: results may wait until the setting emitIntervalMs has passed since the last look.
      for (const again of [0, 1]) {
        this.#nowMs += 1_000;
        for (const entry of this.#scenario.closing ?? []) await this.#write({ ...entry, timestamp: entry.timestamp + again });
        await this.#comeToRest();
      }
      await this.#examine();
      this.#scenario.check(this.#outcome());
    } catch (error) {
      throw new Error(`Seed ${this.seed} shows it: ${error instanceof Error ? error.message : String(error)}\nLast steps:\n${this.trace.slice(-Number(process.env['SIM_TRACE'] ?? 60)).join('\n')}`, { cause: error });
    }
  }

  async #step(step: number): Promise<void> {
    const kind = this.#random.weighted(this.#weather.actions);
    const place = this.#random.pick(this.#places);
    const { instance } = place;
    const isUp = instance !== undefined && instance.life.isAlive;
    switch (kind) {
      case 'round':
        if (isUp && step >= instance.frozenUntil) this.#round(instance);
        break;
      case 'freeze':
        if (isUp) instance.frozenUntil = step + this.#random.upTo(100);
        break;
      case 'produce':
        await this.#produce(1 + this.#random.upTo(4));
        break;
      case 'time':
        this.#nowMs += this.#random.upTo(3) === 0 ? this.#random.upTo(40_000) : this.#random.upTo(400);
        this.#note(`time is ${this.#nowMs}`);
        break;
      case 'crash':
        if (isUp) this.#bury(place, 'crashes');
        break;
      case 'start':
        if (instance === undefined) this.#start(place);
        break;
      case 'leave':
        if (isUp && instance.leaving === 'no' && instance.thread !== undefined) this.#leave(instance);
        break;
      case 'expel':
        if (isUp) this.#expel(instance);
        break;
      case 'expireSession':
        await this.#expireSession();
        break;
      case 'expireTransaction': {
        const one = this.#random.pick([...this.#ghosts, ...this.#places.flatMap((each) => each.instance ?? [])]);
        if (one !== undefined) await this.#expireTransaction(one);
        break;
      }
      case 'carryOut':
        for (const id of this.#late.ids) await this.#late.carryOut(id);
        break;
      case 'compact':
        this.#log.compact();
        break;
      case 'backUp':
        place.backup = await copyOf(place.disk);
        break;
      case 'loseDisk':
        if (instance === undefined) place.disk = this.#newDisk();
        break;
      case 'oldDisk':
        if (instance === undefined && place.backup !== undefined) place.disk = await copyOf(place.backup);
        break;
    }
    if (this.#random.chance(0.03)) this.#told.shift()?.();
    await turn();
    for (const each of this.#places) if (each.instance !== undefined && !each.instance.life.isAlive) this.#bury(each, 'is dead');
  }

  /** All trouble is over: everything left is done, whatever state it was left in. */
  async #comeToRest(): Promise<void> {
    this.#note('all trouble is over');
    this.#isFair = true;
    for (const tell of this.#told.splice(0)) tell();
    for (const ghost of this.#ghosts) {
      await ghost.broker.close();
      await this.#expireTransaction(ghost);
    }
    for (const id of this.#late.ids) await this.#late.carryOut(id);
    let before = '';
    for (let round = 1; !this.#isDone(); round++) {
      const waiting = round % 2_000 === 0 ? this.#lags().join(', ') : undefined;
      if (waiting === before) throw new Error(`It does not come to rest. Waiting: ${waiting}. Instances: ${this.#places.map((place) => this.#describe(place)).join('; ')}`);
      before = waiting ?? before;
      for (const place of this.#places) {
        if (place.instance !== undefined && !place.instance.life.isAlive) this.#bury(place, 'is dead');
        if (place.instance === undefined) this.#start(place);
        else this.#round(place.instance);
      }
      this.#nowMs += 20;
      // What a live instance has left open runs out too.
      if (round % 500 === 0) for (const { instance } of this.#places) if (instance !== undefined) await this.#expireTransaction(instance);
      await turn();
      this.#checkAlways();
    }
  }

  #start(place: Place): void {
    const life = new Lifeline();
    const broker = new FaultyBroker(this.#cluster.connect(), { life, late: this.#late, plan: this.#faultPlan() });
    const instance: Instance = { id: this.#made++, life, broker, processId: place.disk.processId, thread: undefined, isBusy: true, hasSession: true, frozenUntil: 0, leaving: 'no' };
    place.instance = instance;
    this.#note(`${place.name}: instance ${instance.id} starts on ${place.disk.processId}`);
    const streams = new KafkaStreams(
      this.#topology,
      this.#settings,
      {
        broker,
        clock: { now: () => this.#nowMs + place.aheadMs },
        openStateDirectory: async () => new FaultyStateDirectory(place.disk, { life, plan: this.#writePlan() }),
        log: (level, message) => this.#note(`  ${instance.id} ${level}: ${message}`),
        onCommitStage: (stage) => this.#atStage(instance, stage),
        recordsPerRound: this.#recordsPerRound,
      },
    );
    const begun = streams.prepare().then(
      ({ thread, held }) => {
        instance.thread = thread;
        thread.join(held);
      },
      (error: unknown) => {
        // A program that could not start has ended; whoever runs it starts it again.
        if (!(error instanceof BrokerError && error.kind === 'retriable')) throw error;
        life.end();
      },
    );
    this.#busy(instance, begun);
  }

  #round(instance: Instance): void {
    if (instance.isBusy || instance.thread === undefined) return;
    this.#busy(instance, instance.thread.round(0));
  }

  /** The instance is not asked for anything else until this is over, which may be never. */
  #busy(instance: Instance, work: Promise<unknown>): void {
    instance.isBusy = true;
    void work.then(
      () => {
        instance.isBusy = false;
      },
      (error: unknown) => {
        if (instance.life.isAlive) this.#failure ??= error;
      },
    );
  }

  #atStage(instance: Instance, stage: CommitStage): void {
    this.#note(`  ${instance.id} ${stage}`);
    if (this.#isFair || !this.#random.chance(this.#weather.deathAtStage[stage] ?? 0)) return;
    instance.life.end();
    // Nothing after this line may run; the loop's own error handling stands for the process that is gone.
    throw new Error('The process is dead.');
  }

  #leave(instance: Instance): void {
    this.#note(`${instance.id} leaves`);
    instance.leaving = 'leaving';
    void instance.thread!.leave().then(
      () => {
        instance.leaving = 'left';
      },
      (error: unknown) => {
        this.#failure ??= error;
      },
    );
  }

  #expel(instance: Instance): void {
    const members = [...this.#cluster.group(APP).members.keys()];
    if (members.length === 0) return;
    const memberId = this.#random.pick(members);
    this.#note(`${memberId} is expelled, and will learn it later (drawn at instance ${instance.id})`);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#told.push(resolve);
    this.#cluster.expel(APP, memberId, promise);
  }

  #bury(place: Place, how: string): void {
    const instance = place.instance!;
    this.#note(`${place.name}: instance ${instance.id} ${how}`);
    instance.life.end();
    place.instance = undefined;
    this.#ghosts.push(instance);
  }

  /** Of a dead instance, for which the others have been waiting. */
  async #expireSession(): Promise<void> {
    const member = this.#ghosts.find(({ hasSession }) => hasSession);
    if (member === undefined) return;
    this.#note(`the session of instance ${member.id} expires`);
    member.hasSession = false;
    await member.broker.close();
  }

  async #expireTransaction(instance: Instance): Promise<void> {
    const id = `${APP}-${instance.processId}`;
    await this.#late.carryOut(id); // accepted commits are carried out, however long it takes
    this.#cluster.expireTransaction(id);
    this.#note(`the transaction of ${id} expires`);
  }

  async #produce(count: number): Promise<void> {
    for (let made = 0; made < count; made++) await this.#write(this.#scenario.anyEntry(this.#random, this.#entries.length));
  }

  async #write(entry: Entry): Promise<void> {
    this.#entries.push(entry);
    const { topic, partition, key, value, timestamp } = entry;
    const bytes = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text));
    await this.#client.producer().send([{ topic, partition, key: bytes(key), value: bytes(value), timestamp, headers: NO_HEADERS }]);
  }

  #faultPlan(): FaultPlan {
    return {
      fault: (call) => {
        const one = this.#weather.faults[call];
        if (one === undefined || this.#isFair || !this.#random.chance(one.probability)) return undefined;
        const fault = this.#random.weighted(one.kinds as Record<BrokerFault, number>);
        this.#note(`    ${call}: ${fault}`);
        return fault;
      },
      travel: () => this.#travel(),
      deliver: (arrived) => (this.#isFair ? arrived : this.#random.upTo(arrived)),
    };
  }

  #writePlan(): WritePlan {
    return {
      write: () => {
        if (this.#isFair || !this.#random.chance(this.#weather.deathAtWrite)) return undefined;
        const fault = this.#random.pick(['dies-before', 'dies-after'] as const);
        this.#note(`    local batch: ${fault}`);
        return fault;
      },
      travel: () => this.#travel(),
    };
  }

  #checkAlways(): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const place of this.#places) {
      // One that has left is closed by whoever runs it.
      if (place.instance?.leaving !== 'left' || place.instance.isBusy) continue;
      const { instance } = place;
      place.instance = undefined;
      void instance.thread!.close().then(() => instance.broker.close());
      instance.hasSession = false;
      this.#ghosts.push(instance); // its last transaction may still be open
    }
  }

  /** Told at every change of committed offsets: positions never go back, and each commit of a task follows on the one before, whoever made it. */
  #checkCommitted(name: string, { offset, metadata }: CommittedOffset): void {
    const { n } = decodeOffsetMetadata(metadata)!;
    const before = this.#committed.get(name);
    this.#note(`      ${name} is at ${offset}, commit ${n}`);
    this.#committed.set(name, { offset, n });
    if (before === undefined) return;
    expect(offset, `position of ${name}`).toBeGreaterThanOrEqual(before.offset);
    expect(n, `commit number of ${name}`).toBe(before.n + 1);
  }

  #isDone(): boolean {
    const areMarked = [...this.#cluster.topics.values()].flat().every((log) => log.lastStableOffset === log.end);
    return areMarked && this.#lags().length === 0 && this.#places.every(({ instance }) => instance?.thread?.isIdle === true);
  }

  #lags(): string[] {
    const inputs = this.#topology.sourceTopics(APP).flatMap((topic) => (this.#cluster.topics.get(topic) ?? []).map((_log, partition): TopicPartition => ({ topic, partition })));
    return inputs.flatMap((input) => {
      const position = this.#cluster.group(APP).committed.get(partitionName(input))?.offset ?? 0;
      const left = this.#log.read(input, { from: position }).length;
      return left === 0 ? [] : [`${partitionName(input)}@${position}: ${left}`];
    });
  }

  async #examine(): Promise<void> {
    const examination = new Examination({
      log: this.#log,
      topology: this.#topology,
      settings: this.#settings,
      partitions: new Map(this.#topics.map(({ topic, partitions }) => [topic, partitions])),
      startMs: START_MS,
      keys: [...new Set(this.#entries.flatMap(({ key }) => key ?? []))],
      times: [...new Set(this.#entries.map(({ timestamp }) => timestamp))].sort((a, b) => a - b),
    });
    const rules: CommitRule[] = this.#scenario.isNotRepeatable === undefined ? ['as-recorded', 'each-record', 'never'] : [];
    const replays: Replay[] = [];
    for (const rule of rules) replays.push(await examination.repeat(rule));
    for (const { instance } of this.#places) for (const task of instance?.thread?.tasks.values() ?? []) await examination.compareStores(task, replays[0]);
  }

  #outcome(): { entries: readonly Entry[]; read(topic: string, partition?: number): Line[]; dead: readonly string[] } {
    const text = (bytes: Buffer | null): string | null => bytes?.toString() ?? null;
    const partitionsOf = (topic: string): number[] => this.#cluster.topics.get(topic)!.map((_log, partition) => partition);
    const read = (topic: string, only?: number): Line[] =>
      (only === undefined ? partitionsOf(topic) : [only]).flatMap((partition) => this.#log.read({ topic, partition }).map(({ key, value, timestamp }) => ({ key: text(key), value: text(value), timestamp })));
    const dead = this.#log.read({ topic: JOURNAL, partition: 0 }).filter(isDeadLetter).map(({ key, value }) => `${text(key)}=${text(value)}`);
    return { entries: this.#entries, read, dead };
  }

  get #topics(): { topic: string; partitions: number }[] {
    return Object.entries({ ...this.#scenario.topics, [JOURNAL]: 1 }).map(([topic, partitions]) => ({ topic, partitions }));
  }

  /** Of a schema, say: now and then it must be asked for. */
  #lookUp(): Promise<void> | undefined {
    return this.#random.chance(0.1) ? this.#travel() : undefined;
  }

  async #travel(): Promise<void> {
    for (let turns = this.#random.chance(0.4) ? this.#random.upTo(4) : 0; turns > 0; turns--) await turn();
  }

  #newDisk(): MemoryStateDirectory {
    return new MemoryStateDirectory(`process-${this.#made++}`);
  }

  #describe({ name, instance }: Place): string {
    if (instance === undefined) return `${name} down`;
    return `${name} runs ${instance.id}${instance.isBusy ? ', busy' : ''}, ${instance.thread?.isRunning === true ? 'running' : 'not running'}, tasks ${[...(instance.thread?.tasks.keys() ?? [])].join(' ')}`;
  }

  #note(what: string): void {
    this.trace.push(what);
  }
}

/** Lets everything that waits for nothing but its turn go on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function copyOf(disk: MemoryStateDirectory): Promise<MemoryStateDirectory> {
  const copy = new MemoryStateDirectory(disk.processId);
  for (const task of await disk.tasks()) {
    const [from, to] = [await disk.open(task), await copy.open(task)];
    for await (const [key, value] of from.scan(Buffer.alloc(0), Buffer.from([0xff, 0xff]))) await to.write([{ key, value }]);
  }
  const memberId = await disk.note('memberId');
  if (memberId !== undefined) await copy.setNote('memberId', memberId);
  return copy;
}

/** Small limits, so that rare paths are common. The same for all instances, as in a deployment. */
function anySettings(random: Random): StreamsSettings {
  return {
    applicationId: APP,
    deadLetterTopic: JOURNAL,
    maxUncommittedBytes: random.pick([600, 2_000, 10_000]),
    bufferedRecordsPerPartition: random.pick([1, 4]),
    commitIntervalMs: random.pick([0, 200]),
    emitIntervalMs: random.pick([0, 0, 300]),
    maxTaskIdleMs: random.pick([0, 0, -1, 100]),
  };
}
