// The plan of a run: every story, and all their sends in the order in which they are due. Pure: the same options give the same plan, however long.

import { Heap } from './heap.ts';
import { Random } from './random.ts';
import { type Story, Teller, type TimedSend } from './story.ts';
import { STORY_KINDS } from './story-kinds.ts';

export interface PlanOptions {
  /** How many order ids to place; Infinity = without end. */
  readonly orders: number;
  readonly seed: number;
  /** Delays follow it, so that a bounded run ends soon after its last order: about 1.3 times this, and some seconds. */
  readonly paymentTimeoutMs: number;
  /** Orders per second. */
  readonly ratePerSecond: number;
  /** Epoch ms of the plan's start: event times count from it. */
  readonly startMs: number;
  /** Begins every order id, so that runs on the same topics do not collide. */
  readonly runId: string;
}

export interface Plan {
  stories(): Generator<Story, void>;
  sends(): Generator<TimedSend, void>;
}

export function planOrders(options: PlanOptions): Plan {
  const everyMs = 1_000 / options.ratePerSecond;

  function* stories(): Generator<Story, void> {
    for (let index = 0; index < options.orders; index++) yield tell(options, index, index * everyMs);
  }

  function* sends(): Generator<TimedSend, void> {
    const due = new Heap<TimedSend>((a, b) => a.atMs < b.atMs);
    for (const story of stories()) {
      // No later story begins earlier, so what is due before this one begins is in its final order.
      while ((due.peek()?.atMs ?? Infinity) < story.index * everyMs) yield due.pop()!;
      for (const send of story.sends) due.push(send);
    }
    while (due.peek() !== undefined) yield due.pop()!;
  }

  return { stories, sends };
}

function tell(options: PlanOptions, index: number, beginsAtMs: number): Story {
  const random = Random.of(options.seed, index);
  const { kind, tell: tellKind } = random.pickWeighted(STORY_KINDS);
  const teller = new Teller(random, options, index, beginsAtMs);
  tellKind(teller);
  return teller.end(kind);
}
