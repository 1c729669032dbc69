// The one activity that every escalated workflow calls. It never refuses for good: outcomes that cannot be published (authorization, size, a missing
// topic) leave their workflow open with a failing activity for everyone to see, and go out once the cause is gone. Finishing silently would be worse.

import type { PublishOutcomes } from '../activity-calls.ts';
import type { OutcomePublisher } from './outcome-publisher.ts';

/** The activity that workflows publish with: hand it to the worker beside your own. */
export function escalationActivities(publisher: Pick<OutcomePublisher, 'publish'>) {
  return {
    async publishOutcomes(call: PublishOutcomes): Promise<void> {
      await publisher.publish(call);
    },
  };
}
