// Reviewing and registering schemas, against a registry that keeps a list of what it is asked to change.

import { describe, expect, it } from 'vitest';
import { SchemaRefusedError, type AvroSchema, type Compatibility } from 'millrace';
import { registerReviewed, reviewSchemas, type LocalSchema, type RegistryHistory, type SchemaVersion } from 'millrace/schemas';
import { describeReview } from '../../src/cli/schema-report.ts';

const A = { name: 'a', type: 'string' };
const B = { name: 'b', type: 'long', default: 0 };
const REQUIRED = { name: 'c', type: 'string' };

function record(...fields: object[]): AvroSchema {
  return { type: 'record', name: 'R', namespace: 'n', fields };
}

function local(topic: string, schema: AvroSchema, compatibility: Compatibility = 'BACKWARD'): LocalSchema {
  return { topic, side: 'value', subject: `${topic}-value`, file: `${topic}.avsc`, schema, compatibility };
}

interface Subject {
  readonly versions: readonly AvroSchema[];
  level?: string;
  /** What it says against any schema, while it has this level. */
  readonly objects?: { readonly under: string; readonly why: string };
}

/** Models levels and the order of calls; checks nothing by itself. */
function registryWith(subjects: Record<string, Subject>): { registry: RegistryHistory; changes: string[]; asked: string[] } {
  const changes: string[] = [];
  const asked: string[] = [];
  let lastId = 100;
  const registry: RegistryHistory = {
    versions: async (subject) => (subjects[subject]?.versions ?? []).map((schema, at): SchemaVersion => ({ version: at + 1, schema })),
    level: async (subject) => subjects[subject]?.level,
    setLevel: async (subject, level) => {
      changes.push(`${subject} is held to ${level}`);
      subjects[subject] = { versions: [], ...subjects[subject], level };
    },
    objection: async (subject, version) => {
      asked.push(`${subject} ${version}`);
      const { objects, level } = subjects[subject]!;
      return objects !== undefined && objects.under === level ? objects.why : undefined;
    },
    register: async (subject, _schema, level) => {
      changes.push(`${subject} registered under ${level}`);
      return ++lastId;
    },
    close: () => {},
  };
  return { registry, changes, asked };
}

const said = async (schema: LocalSchema, subjects: Record<string, Subject>): Promise<string[]> => {
  const [review] = await reviewSchemas([schema], registryWith(subjects).registry);
  return describeReview(review!, 'diff');
};

describe('a review', () => {
  it('knows what is new, and what is the same, however it is written down', async () => {
    expect(await said(local('t', record(A)), {})).toEqual(['t-value: new, will be held to BACKWARD']);
    const reordered = { fields: [{ type: 'string', name: 'a' }], namespace: 'n', name: 'R', type: 'record' };
    expect(await said(local('t', reordered), { 't-value': { versions: [record(A)], level: 'BACKWARD' } })).toEqual(['t-value: same as version 1']);
  });

  it('tells a compatible change, field by field', async () => {
    expect(await said(local('t', record(B, { ...A, doc: 'x' })), { 't-value': { versions: [record(REQUIRED), record(A, REQUIRED)], level: 'BACKWARD' } })).toEqual([
      't-value: compatible change (BACKWARD) against version 2',
      '  b: new: long, by default 0',
      '  a: has another doc',
      '  c: gone: was string',
    ]);
  });

  it('tells an incompatible change, and why', async () => {
    expect(await said(local('t', record(A, REQUIRED)), { 't-value': { versions: [record(A)], level: 'BACKWARD' } })).toEqual([
      't-value: incompatible change against version 1, in t.avsc',
      '  c: new: string, without a default',
      '  refused under BACKWARD: field c (string) is not in version 1 and has no default, so records of that version could not be read. Give it a default.',
    ]);
  });

  it('takes the registry\'s word too, with its reasons', async () => {
    const subjects = { 't-value': { versions: [record(A)], level: 'BACKWARD', objects: { under: 'BACKWARD', why: 'no fields that begin with b' } } };
    expect(await said(local('t', record(A, B)), subjects)).toEqual([
      't-value: incompatible change against version 1, in t.avsc',
      '  b: new: long, by default 0',
      '  refused by the registry under BACKWARD: version 1: no fields that begin with b',
    ]);
  });

  it('does not take it where the registry holds the subject to another level than the policy', async () => {
    const subjects = { 't-value': { versions: [record(A)], level: 'FULL', objects: { under: 'FULL', why: 'old readers' } } };
    expect(await said(local('t', record(A, B)), subjects)).toEqual([
      't-value: compatible change (BACKWARD) against version 1',
      '  b: new: long, by default 0',
      '  not taken by the registry under FULL: version 1: old readers',
      '  the registry holds it to FULL, the policy says BACKWARD: `register` will set that',
    ]);
  });

  it('asks about every version where the policy does, and about none under NONE', async () => {
    const versions = [record(), record(A), record(A, { name: 'z', type: 'int', default: 0 })];
    const askedUnder = async (level: Compatibility): Promise<string[]> => {
      const { registry, asked } = registryWith({ 't-value': { versions, level } });
      await reviewSchemas([local('t', record({ ...A, default: '' }, B), level)], registry);
      return asked;
    };
    expect(await askedUnder('BACKWARD')).toEqual(['t-value 3']);
    expect(await askedUnder('BACKWARD_TRANSITIVE')).toEqual(['t-value 1', 't-value 2', 't-value 3']);
    expect(await askedUnder('NONE')).toEqual([]);
    expect((await said(local('t', record(REQUIRED), 'NONE'), { 't-value': { versions, level: 'NONE' } }))[0]).toBe('t-value: changed, and under NONE nothing is asked against version 3');
  });

  it('notices an earlier version: going back makes no new one', async () => {
    expect((await said(local('t', record(A)), { 't-value': { versions: [record(A), record(A, B)], level: 'BACKWARD' } }))[0]).toBe('t-value: compatible change (BACKWARD) against version 2; it is version 1');
  });

  it('warns of a changed key, whatever the level says', async () => {
    const key: LocalSchema = { ...local('t', record(A, B)), side: 'key', subject: 't-key' };
    expect(await said(key, { 't-key': { versions: [record(A)], level: 'BACKWARD' } })).toEqual([
      't-key: compatible change (BACKWARD) against version 1',
      '  b: new: long, by default 0',
      '  keys are compared by their bytes, and the schema id is among them: what is written with this version has other keys than what is there',
    ]);
  });

  it('cannot hold Avro against something else', async () => {
    const { registry } = registryWith({ 't-value': { versions: [], level: 'BACKWARD' } });
    const [review] = await reviewSchemas([local('t', record(A))], { ...registry, versions: async () => [{ version: 4, unusable: 'it is of type JSON, not AVRO' }] });
    expect(describeReview(review!, 'check')).toEqual([
      't-value: incompatible change against version 4, in t.avsc',
      '  refused under BACKWARD: the value as a whole cannot be held against version 4: it is of type JSON, not AVRO. Take another topic, or have that version deleted.',
    ]);
  });
});

describe('registering', () => {
  it('sets the levels first, then registers', async () => {
    const { registry, changes } = registryWith({ 'kept-value': { versions: [record(A)], level: 'FULL' }, 'changed-value': { versions: [record(A)], level: 'NONE' } });
    const reviews = await reviewSchemas([local('new', record(A)), local('kept', record(A), 'FULL'), local('changed', record(A, B))], registry);
    expect(await registerReviewed(reviews, registry)).toEqual([
      { subject: 'new-value', id: 101, isNew: true },
      { subject: 'kept-value', id: 102, isNew: false },
      { subject: 'changed-value', id: 103, isNew: true },
    ]);
    expect(changes).toEqual([
      'new-value is held to BACKWARD',
      'changed-value is held to BACKWARD',
      'new-value registered under BACKWARD',
      'kept-value registered under FULL',
      'changed-value registered under BACKWARD',
    ]);
  });

  it('registers nothing when the registry objects under the level just set', async () => {
    const { registry, changes } = registryWith({ 't-value': { versions: [record(A)], level: 'NONE', objects: { under: 'BACKWARD', why: 'a rule of its own' } } });
    const reviews = await reviewSchemas([local('new', record(A)), local('t', record(A, B))], registry);
    const failing = registerReviewed(reviews, registry);
    await expect(failing).rejects.toThrow(SchemaRefusedError);
    await expect(failing).rejects.toThrow(/refuses R for the subject t-value: under BACKWARD, version 1: a rule of its own/);
    expect(changes.filter((change) => change.includes('registered'))).toEqual([]);
  });

  it('never registers what is incompatible', async () => {
    const { registry, changes } = registryWith({ 't-value': { versions: [record(A)], level: 'BACKWARD' } });
    await expect(registerReviewed(await reviewSchemas([local('t', record(REQUIRED))], registry), registry)).rejects.toThrow(/t-value is incompatible/);
    expect(changes).toEqual([]);
  });
});
