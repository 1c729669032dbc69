// A golden case as it stands in its file: a topology, a script of inputs, and what the real Kafka Streams made of them.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A function by its name, with its arguments beside it. */
export interface FunctionRef {
  readonly fn: string;
  readonly [argument: string]: any;
}

export interface CaseStore {
  readonly name: string;
  readonly historyMs?: number;
  readonly retentionMs?: number;
}

export interface CaseNode {
  readonly id?: string;
  readonly op: string;
  readonly [member: string]: any;
}

export type CaseHeaders = readonly (readonly [name: string, text: string | null])[];

export type CaseStep =
  | { readonly pipe: { readonly topic: string; readonly key: Json; readonly value: Json; readonly timestamp: number; readonly headers?: CaseHeaders } }
  | { readonly advanceWallClockMs: number };

export interface CaseRead {
  readonly store: string;
  readonly kind: 'keyValue' | 'window' | 'session' | 'versioned';
  readonly keys?: readonly string[];
  readonly gets?: readonly { readonly key: string; readonly asOf?: number }[];
}

export interface GoldenCase {
  readonly name: string;
  readonly about: string;
  readonly settings?: { readonly emitIntervalMs?: number; readonly wallClockStartMs?: number };
  readonly topology: { readonly nodes: readonly CaseNode[] };
  readonly steps: readonly CaseStep[];
  readonly reads?: readonly CaseRead[];
  readonly expect: {
    readonly outputs?: Readonly<Record<string, readonly Json[]>>;
    readonly stores?: Readonly<Record<string, readonly Json[]>>;
    readonly error?: { readonly at: 'build' } | { readonly at: 'step'; readonly step: number };
  };
}
