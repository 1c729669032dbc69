// What the three servers of the stack have in common: each can be given by an address, or fetched, planned and started here.
import type { Addresses } from './addresses.ts';
import type { FetchOptions } from './maven.ts';
import type { Prerequisite } from './prerequisites.ts';
import type { ServerSpec } from './server-process.ts';

export type PartName = 'kafka' | 'temporal' | 'registry';

/** The environment variable that gives each one's address. */
export const PART_VARIABLES = {
  kafka: 'KAFKA_BROKERS',
  temporal: 'TEMPORAL_ADDRESS',
  registry: 'SCHEMA_REGISTRY_URL',
} as const satisfies Record<PartName, string>;

/** The ports one local stack uses; remembered in its data folder. */
export const PORT_NAMES = ['kafka', 'kafkaController', 'registry', 'temporal', 'temporalUi', 'temporalHttp', 'temporalMetrics'] as const;
export type Ports = Readonly<Record<(typeof PORT_NAMES)[number], number>>;

export interface PlanOptions extends FetchOptions {
  readonly dataDir: string;
  readonly ports: Ports;
  readonly namespace: string;
}

export interface Plan {
  readonly spec: ServerSpec;
  readonly addresses: Addresses & { readonly temporalUiUrl?: string };
}

export interface StackPart {
  /** As people call it. */
  readonly title: string;
  /** What this computer must have to start it here; empty when all is cached and self-contained. */
  readonly prerequisites: (env: NodeJS.ProcessEnv) => Promise<readonly Prerequisite[]>;
  /** Fetches what is not cached yet, and says how to start it. */
  readonly plan: (options: PlanOptions) => Promise<Plan>;
}
