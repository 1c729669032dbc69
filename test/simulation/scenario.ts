// What a scenario is: a topology, inputs drawn by chance, and an account of what must have come of them whatever died meanwhile.

import type { Topology } from 'millrace';
import type { Random } from './random.ts';

/** A record of the outside world. Keys and values are text. */
export interface Entry {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

/** A committed record, as a read_committed consumer finds it. */
export interface Line {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp: number;
}

export interface Outcome {
  /** In the order in which they were written; those of one partition have that order there too. */
  readonly entries: readonly Entry[];
  /** By partition, then offset. */
  read(topic: string, partition?: number): Line[];
  /** Records that could not be processed, `key=value`. */
  readonly dead: readonly string[];
}

export interface Scenario {
  /** Topics of the outside world, with their partition counts. */
  readonly topics: Readonly<Record<string, number>>;
  /** `lookUp`: what a serde may have to wait for before it can read. */
  topology(lookUp: () => Promise<void> | undefined): Topology;
  /** `at`: how many there are already. */
  anyEntry(random: Random, at: number): Entry;
  /** Written before the first instance starts. */
  readonly opening?: readonly Entry[];
  /** Written when all trouble is over, so that what still waits for time comes out. */
  readonly closing?: readonly Entry[];
  /** @throws what is wrong with the outcome. */
  check(outcome: Outcome): void;
  /** Wall-clock punctuators of a task come in the order of one clock only if all computers show the same time; otherwise they do not. */
  readonly needsOneClock?: true;
  /** Why a reference without faults cannot repeat what the tasks did, if it cannot: they depend on more than their inputs. */
  readonly isNotRepeatable?: string;
}
