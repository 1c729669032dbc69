// What an error of the Temporal client means for a command. One table, so that "try again", "set aside" and "stop" are decided in one place.

import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import proto from '@temporalio/proto';

export type TemporalTrouble =
  /** The outcome is unknown, or nothing happened: send the same command again. */
  | { readonly kind: 'again'; readonly message: string }
  /** Not applied: the server has too much to do. `busy-workflow` concerns this workflow only. */
  | { readonly kind: 'throttled'; readonly cause: string; readonly message: string }
  | { readonly kind: 'already-started'; readonly message: string }
  | { readonly kind: 'not-found'; readonly message: string }
  /** This command can never be delivered. */
  | { readonly kind: 'poison'; readonly message: string }
  /** The workflow cannot take more signals in this run. A bug in the workflow (it does not continue as new), not in the command: hold the lane. */
  | { readonly kind: 'workflow-full'; readonly message: string }
  /** No command can be delivered: settings or permissions. */
  | { readonly kind: 'fatal'; readonly message: string };

const GRPC = { INVALID_ARGUMENT: 3, NOT_FOUND: 5, PERMISSION_DENIED: 7, RESOURCE_EXHAUSTED: 8, UNIMPLEMENTED: 12, UNAUTHENTICATED: 16 } as const;

interface GrpcError extends Error {
  readonly code: number;
  readonly details: string;
  readonly metadata?: { get(key: string): (string | Buffer)[] };
}

export function troubleOf(error: unknown): TemporalTrouble {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof WorkflowExecutionAlreadyStartedError) return { kind: 'already-started', message };
  if (error instanceof NamespaceNotFoundError) return { kind: 'fatal', message: `namespace not found: ${message}` };
  if (error instanceof WorkflowNotFoundError) return { kind: 'not-found', message };
  const grpc = grpcErrorIn(error);
  if (grpc === undefined) return { kind: 'again', message };
  const details = grpc.details || grpc.message;
  switch (grpc.code) {
    case GRPC.NOT_FOUND:
      return { kind: 'not-found', message: details };
    case GRPC.PERMISSION_DENIED:
    case GRPC.UNAUTHENTICATED:
    case GRPC.UNIMPLEMENTED:
      return { kind: 'fatal', message: details };
    case GRPC.INVALID_ARGUMENT:
      return { kind: /limit for signal events/i.test(details) ? 'workflow-full' : 'poison', message: details };
    case GRPC.RESOURCE_EXHAUSTED:
      // gRPC itself uses the same code for a message that is too large; that one stays too large.
      if (/larger than max/i.test(details)) return { kind: 'poison', message: details };
      return { kind: 'throttled', cause: exhaustedCause(grpc), message: details };
    default:
      return { kind: 'again', message: details };
  }
}

function grpcErrorIn(error: unknown): GrpcError | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (typeof (at as GrpcError).code === 'number' && typeof (at as GrpcError).details === 'string') return at as GrpcError;
  }
  return undefined;
}

/** `rps-limit`, `busy-workflow`, …; `unspecified` when the server did not say. */
function exhaustedCause(error: GrpcError): string {
  try {
    const raw = error.metadata?.get('grpc-status-details-bin')[0];
    if (!Buffer.isBuffer(raw)) return 'unspecified';
    for (const { type_url, value } of proto.google.rpc.Status.decode(raw).details) {
      if (!type_url?.endsWith('ResourceExhaustedFailure') || !value) continue;
      const { cause } = proto.temporal.api.errordetails.v1.ResourceExhaustedFailure.decode(value);
      const name = proto.temporal.api.enums.v1.ResourceExhaustedCause[cause];
      return name === undefined ? 'unspecified' : name.replace('RESOURCE_EXHAUSTED_CAUSE_', '').toLowerCase().replaceAll('_', '-');
    }
  } catch {
    // Details are a hint; without them the general back-off applies.
  }
  return 'unspecified';
}
