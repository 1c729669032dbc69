// What may happen to a simulated application, as weights and probabilities.

import type { CommitStage } from 'millrace';
import type { BrokerCall, BrokerFault } from 'millrace/testing';

/** What may happen, as weights; 0 or absent: never. */
export interface Weather {
  readonly steps: number;
  readonly instances: number;
  /** Probability of a fault, per broker call. */
  readonly faults: Partial<Record<BrokerCall, { readonly probability: number; readonly kinds: Partial<Record<BrokerFault, number>> }>>;
  /** Probability that the process dies at a batch of local state. */
  readonly deathAtWrite: number;
  readonly deathAtStage: Partial<Record<CommitStage, number>>;
  readonly actions: Readonly<Record<Action, number>>;
}

export type Action = 'round' | 'freeze' | 'produce' | 'time' | 'crash' | 'start' | 'leave' | 'expel' | 'expireSession' | 'expireTransaction' | 'carryOut' | 'compact' | 'backUp' | 'loseDisk' | 'oldDisk';

const calm: Weather['actions'] = { round: 120, freeze: 0, produce: 16, time: 10, crash: 0, start: 0, leave: 0, expel: 0, expireSession: 0, expireTransaction: 0, carryOut: 0, compact: 0, backUp: 0, loseDisk: 0, oldDisk: 0 };

export const fairWeather: Weather = { steps: 300, instances: 2, faults: {}, deathAtWrite: 0, deathAtStage: {}, actions: calm };

export const storm: Weather = {
  steps: 500,
  instances: 3,
  faults: {
    init: { probability: 0.05, kinds: { refused: 1, unanswered: 1, 'dies-before': 1, 'dies-after': 1 } },
    send: { probability: 0.05, kinds: { refused: 1, unanswered: 1, 'dies-before': 1, 'dies-after': 1 } },
    sendOffsets: { probability: 0.05, kinds: { refused: 1, unanswered: 1, 'dies-before': 1, 'dies-after': 1 } },
    commit: { probability: 0.1, kinds: { refused: 1, unanswered: 1, late: 1, 'dies-before': 1, 'dies-after': 1 } },
    abort: { probability: 0.1, kinds: { refused: 1, unanswered: 1, 'dies-after': 1 } },
    committedOffsets: { probability: 0.03, kinds: { refused: 1, 'dies-before': 1 } },
    listOffsets: { probability: 0.03, kinds: { refused: 1, 'dies-before': 1 } },
  },
  deathAtWrite: 0.02,
  deathAtStage: { prepared: 0.01, produced: 0.01, 'offsets-sent': 0.01, committed: 0.01, persisted: 0.01 },
  actions: { ...calm, freeze: 1, crash: 0.5, start: 4, leave: 0.4, expel: 0.5, expireSession: 6, expireTransaction: 0.7, carryOut: 1, compact: 0.5, backUp: 0.3, loseDisk: 0.3, oldDisk: 0.3 },
};

/** Long and mostly quiet: instances live for many commits, freeze, are taken for dead, and wake up again. */
export const sleepers: Weather = {
  steps: 900,
  instances: 3,
  faults: {
    commit: { probability: 0.02, kinds: { refused: 1, unanswered: 1, late: 2 } },
    sendOffsets: { probability: 0.01, kinds: { refused: 1, unanswered: 1 } },
  },
  deathAtWrite: 0,
  deathAtStage: {},
  actions: { ...calm, freeze: 3, crash: 0.1, start: 4, leave: 0.3, expel: 3, expireSession: 6, expireTransaction: 1, carryOut: 1, compact: 0.5, backUp: 0, loseDisk: 0, oldDisk: 0 },
};

/** Computers come and go, with their disks or without: hardly any task goes on where it was. */
export const movers: Weather = {
  steps: 500,
  instances: 3,
  faults: {},
  deathAtWrite: 0.01,
  deathAtStage: { committed: 0.02 },
  actions: { ...calm, crash: 2, start: 12, leave: 1, expireSession: 12, expireTransaction: 1, compact: 1, backUp: 1, loseDisk: 3, oldDisk: 1 },
};
