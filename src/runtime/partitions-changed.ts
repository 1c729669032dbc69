// An input topic that grows under a running application: its keys move to other partitions, and state does not move with them. So the instance stops, with
// words, as Kafka Streams does; going on would split every key's history between two tasks.

import { StreamsError } from '../record/errors.ts';
import { BrokerError, type GroupAssignor } from '../ports/broker.ts';
import { partitionName, type TopicPartition } from '../record/record.ts';
import type { TopicPlan } from './topic-plan.ts';

/** An input topic has got another number of partitions while the application ran: keys have moved, their state has not. */
export class PartitionsChangedError extends StreamsError {
  readonly code = 'PARTITIONS_CHANGED';
  readonly remedy = 'fix-settings';
  readonly topic: string;
  constructor(topic: string, now: number, planned: number, owned: readonly string[]) {
    super(`Topic ${topic} now has ${now} partitions; this application was started when it had ${planned}. Nothing is lost, and nothing more was processed. ${adviceOn(topic, now, planned, owned)}`);
    this.topic = topic;
  }
}

function adviceOn(topic: string, now: number, planned: number, owned: readonly string[]): string {
  if (owned.length === 0) return `It keeps no state and has no internal topics: restart all of its instances, and they share ${now} partitions.`;
  return (
    `Its state and its internal topics (${owned.join(', ')}) are laid out for ${planned}, and most keys of ${topic} now arrive in another partition than the one their state belongs to. ` +
    `To keep the state: make a topic with ${planned} partitions, send what ${topic} gets to it by key, and let the topology read that one. ` +
    `To begin anew with ${now}: stop all instances, delete the internal topics and the state directory, reset the group's offsets to the earliest, and restart; ` +
    `or restart under another applicationId, which does the same beside the old one.`
  );
}

/** Assigns only what the plan was made for. @throws PartitionsChangedError, which ends the membership; retriable while a topic is gone. */
export function onlyAsPlanned(assignor: GroupAssignor, topics: TopicPlan): GroupAssignor {
  return {
    name: assignor.name,
    assign(members, partitionCounts) {
      for (const topic of new Set(members.flatMap((member) => member.topics))) {
        const [now, planned] = [partitionCounts.get(topic) ?? 0, topics.partitions.get(topic)];
        if (planned === undefined || now === planned) continue;
        if (now === 0) throw new BrokerError('retriable', 'UNKNOWN_TOPIC_OR_PARTITION', `Topic ${topic} does not exist any more. Waiting for it: create it again with ${planned} partitions.`);
        throw changed(topics, topic, now, planned);
      }
      return assignor.assign(members, partitionCounts);
    },
  };
}

/** Of an assignment made by an instance that was started later, with more partitions: what no task of this one's plan reads. */
export function strangerAmong(partitions: readonly TopicPartition[], topics: TopicPlan): PartitionsChangedError | undefined {
  const known = new Set(topics.tasks.flatMap(({ inputs }) => inputs.map(partitionName)));
  const strange = partitions.filter((tp) => !known.has(partitionName(tp)));
  const [first] = strange;
  if (first === undefined) return undefined;
  const atLeast = 1 + Math.max(...strange.filter(({ topic }) => topic === first.topic).map(({ partition }) => partition));
  return changed(topics, first.topic, atLeast, topics.partitions.get(first.topic) ?? 0);
}

function changed({ owned }: TopicPlan, topic: string, now: number, planned: number): PartitionsChangedError {
  return new PartitionsChangedError(topic, now, planned, owned.map((spec) => spec.topic));
}
