// Invalid records on one side, dead letters on the other: they must pair off, byte for byte.

import type { Findings } from './report.ts';
import { type Observed, placeOf } from './observed.ts';

export const SOURCE_HEADERS = { topic: '__streams.errors.topic', partition: '__streams.errors.partition', offset: '__streams.errors.offset' } as const;

interface Invalid {
  readonly record: Observed<unknown>;
  readonly why: string;
  /** A repetition of an event that is a dead letter already may be dropped as a repetition, or be another one. */
  readonly isOptional: boolean;
}

export interface DeadLetter {
  /** Where it stands in the dead-letter topic. */
  readonly at: string;
  /** Where its headers say it comes from; undefined when they do not. */
  readonly from: string | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export class DeadLetterTally {
  /** By place. What has found its partner is let go of, so that bytes are kept only of what is missing. */
  readonly #unmatchedInvalid = new Map<string, Invalid>();
  readonly #unmatchedLetters = new Map<string, DeadLetter>();
  readonly #matched = new Set<string>();
  readonly #wrong: string[] = [];

  invalid(record: Observed<unknown>, why: string, isOptional = false): void {
    const place = placeOf(record.source);
    const letter = this.#unmatchedLetters.get(place);
    if (letter === undefined) this.#unmatchedInvalid.set(place, { record, why, isOptional });
    else this.#match(place, { record, why, isOptional }, letter);
  }

  letter(letter: DeadLetter): void {
    const { at, from } = letter;
    if (from === undefined) return void this.#wrong.push(`${at} does not say where it comes from`);
    if (this.#matched.has(from) || this.#unmatchedLetters.has(from)) return void this.#wrong.push(`${from} is there more than once, again at ${at}`);
    const invalid = this.#unmatchedInvalid.get(from);
    if (invalid === undefined) this.#unmatchedLetters.set(from, letter);
    else this.#match(from, invalid, letter);
  }

  get missing(): number {
    return [...this.#unmatchedInvalid.values()].filter(({ isOptional }) => !isOptional).length;
  }

  check(findings: Findings): void {
    for (const what of this.#wrong) findings.add(6, what);
    for (const [place, { why, isOptional }] of this.#unmatchedInvalid) if (!isOptional) findings.add(6, `${place} is invalid (${why}), but no dead letter`);
    for (const [from, { at }] of this.#unmatchedLetters) findings.add(6, `${from} is a dead letter (${at}), but there is nothing wrong with it`);
  }

  #match(place: string, { record }: Invalid, { at, key, value }: DeadLetter): void {
    this.#unmatchedInvalid.delete(place);
    this.#unmatchedLetters.delete(place);
    this.#matched.add(place);
    if (!isSame(record.keyBytes, key) || !isSame(record.valueBytes, value)) this.#wrong.push(`${place} is a dead letter (${at}), but with other bytes`);
  }
}

function isSame(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
