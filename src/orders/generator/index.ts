// Orders and payments as the real world sends them. A pure plan (plan.ts) and what carries it out (run.ts).

export { INITIAL_STOCK } from './catalogue.ts';
export { type Plan, planOrders, type PlanOptions } from './plan.ts';
export { type GeneratorOptions, type GeneratorProgress, runGenerator } from './run.ts';
export type { Expectation, SendValue, Story, TimedSend } from './story.ts';
