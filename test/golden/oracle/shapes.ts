// What values of a stream or table look like, as far as the functions of the cases have to know it: which apply, and what they make of it.

import type { Random } from '../../simulation/random.ts';
import type { Json } from '../golden-case.ts';

export type Shape =
  | { readonly kind: 'string'; readonly areDigits?: boolean }
  | { readonly kind: 'long' }
  /** `sure`: members that every object has, as longs. */
  | { readonly kind: 'json'; readonly members: Readonly<Record<string, Shape>>; readonly sure: readonly string[] };

export const STRING: Shape = { kind: 'string' };
export const LONG: Shape = { kind: 'long' };
const DIGITS: Shape = { kind: 'string', areDigits: true };
/** An order, a click: who, how many, and now and then its own time. */
const OBJECT: Shape = { kind: 'json', members: { user: STRING, n: LONG, at: LONG }, sure: ['n'] };

export function json(members: Readonly<Record<string, Shape>>, sure: readonly string[] = []): Shape {
  return { kind: 'json', members, sure };
}

/** Of a source topic. */
export function drawShape(random: Random): Shape {
  return { text: STRING, digits: DIGITS, numbers: LONG, objects: OBJECT }[random.weighted({ text: 4, digits: 1, numbers: 3, objects: 3 })];
}

/** Whether records of both may flow through one place. */
export function areAlike(one: Shape, other: Shape): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What a stream of either holds for certain. */
export function lessSure(shape: Shape): Shape {
  return shape.kind === 'json' ? { ...shape, sure: [] } : shape;
}

export const KEYS = ['a', 'b', 'c'] as const;
// Many texts are keys too: rows that name rows.
const TEXTS = ['a', 'b', 'c', 'a', 'b', 'c', 'ab', 'b c', 'c a b', 'ä', 'y'] as const;
const NUMBERS = ['0', '1', '2', '7', '-3', '12'] as const;

export function drawValue(random: Random, shape: Shape): Json {
  switch (shape.kind) {
    case 'string':
      return random.pick(shape.areDigits === true ? NUMBERS : TEXTS);
    case 'long':
      return random.upTo(9) - 2;
    case 'json': {
      const value: Record<string, Json> = {};
      for (const [member, inner] of Object.entries(shape.members)) {
        const isSure = shape.sure.includes(member);
        if (isSure || random.chance(0.75)) value[member] = !isSure && random.chance(0.1) ? null : drawValue(random, inner);
      }
      return value;
    }
  }
}
