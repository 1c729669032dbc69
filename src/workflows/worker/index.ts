// `millrace/worker`: runs escalated workflows and publishes their outcomes. Needs @temporalio/worker, which is heavy; topologies and bridges do not.

export { escalationActivities } from './publish-activity.ts';
export { outcomePublisher, PublishError, type OutcomePublisher, type OutcomePublisherOptions, type PublisherMetrics } from './outcome-publisher.ts';
export { bundleWorkflows, createEscalationWorker, type EscalationWorker, type EscalationWorkerOptions } from './escalation-worker.ts';
export type { PublishOutcomes } from '../activity-calls.ts';
