// The note that a running stack leaves in its data folder, so that other commands of the same clone find it.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentOf, type Addresses } from './addresses.ts';
import { describeProcess, isRunning } from './process-identity.mjs';

export interface RunningStack extends Required<Addresses> {
  /** The process that keeps it running. */
  readonly pid: number;
  /** Started to be shared (`npm run stack`), not for one command only. */
  readonly isShared: boolean;
  readonly temporalUiUrl?: string;
  /** KAFKA_BROKERS and the like, for child processes. */
  readonly env: Record<string, string>;
}

export type StackNote = Partial<Omit<RunningStack, 'pid' | 'env'>> & { readonly isShared: boolean };

export function noteRunningStack(dataDir: string, stack: StackNote): void {
  const draft = join(dataDir, `stack.json.${process.pid}`);
  writeFileSync(draft, JSON.stringify({ ...stack, owner: describeProcess() }, undefined, 2));
  renameSync(draft, noteFile(dataDir)); // readers see the old note or the new one, never half of one
}

export function forgetRunningStack(dataDir: string): void {
  rmSync(noteFile(dataDir), { force: true });
}

/**
 * The stack that a command in this clone has running now, if any; a note left by a killed process does not count.
 * Its addresses are what that command started or was given: a part it did not need is missing from `env`, and empty here.
 */
export function findRunningStack(dataDir: string): RunningStack | undefined {
  let note;
  try {
    note = JSON.parse(readFileSync(noteFile(dataDir), 'utf8')) as StackNote & { owner: { pid: number; identity: string } };
  } catch {
    return undefined;
  }
  if (!isRunning(note.owner)) return undefined;
  const { owner, ...addresses } = note;
  return {
    kafkaBrokers: '',
    temporalAddress: '',
    temporalNamespace: '',
    schemaRegistryUrl: '',
    ...addresses,
    pid: owner.pid,
    env: environmentOf(addresses),
  };
}

const noteFile = (dataDir: string): string => join(dataDir, 'stack.json');
