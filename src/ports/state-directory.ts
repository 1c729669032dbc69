// Where local state lives. Implementations: src/state/level (LevelDB, one database per task) and src/state/memory; one contract suite for both.

/** The database of the global tables, which belong to no task. */
export const GLOBAL_TABLES = 'global';

export function isTaskName(name: string): boolean {
  return /^\d+_\d+$/.test(name);
}

/** The state of one instance, exclusively held: a second holder of the same place cannot exist until this one has ended, however it ended. */
export interface StateDirectory {
  /** Stable across restarts of the same place: the transactional id is made of it. */
  readonly processId: string;
  /** Tasks (`0_3`) that have state here. */
  tasks(): Promise<string[]>;
  /** Of a task, or `GLOBAL_TABLES`. @throws {CorruptStateError} when what is there cannot be read: wipe and open again. */
  open(task: string): Promise<TaskDatabase>;
  wipe(task: string): Promise<void>;
  /** Small facts of the instance, such as its last member id. */
  note(name: string): Promise<string | undefined>;
  setNote(name: string, value: string): Promise<void>;
  /** Ends the hold. Open databases must be closed before. */
  close(): Promise<void>;
}

/** value null: delete. */
export interface DatabaseWrite {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** Ordered bytes. Reads are synchronous because processing is; keys compare as unsigned bytes. */
export interface TaskDatabase {
  get(key: Buffer): Buffer | undefined;
  /** Keys ≥ `from` and < `to`, ascending; a snapshot of the moment of the call. */
  scan(from: Buffer, to: Buffer): AsyncIterable<readonly [key: Buffer, value: Buffer]>;
  /** All or nothing, also when the process is killed in the middle; later entries of the list win. */
  write(writes: readonly DatabaseWrite[]): Promise<void>;
  close(): Promise<void>;
}
