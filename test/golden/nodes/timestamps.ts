// timestampFrom: the event time that a case takes from a member of the value.

import type { StreamRecord } from 'millrace';
import type { CaseNode } from '../golden-case.ts';

type Extractor = (record: StreamRecord<any, any>) => number;

/** One for each member: two nodes that read a topic alike share a source. */
const extractors = new Map<string, Extractor>();

export function extractorOf(node: CaseNode): { timestamp?: Extractor } {
  const field = node['timestampFrom']?.field as string | undefined;
  if (field === undefined) return {};
  const extractor = extractors.get(field) ?? fromField(field);
  extractors.set(field, extractor);
  return { timestamp: extractor };
}

function fromField(field: string): Extractor {
  return ({ value, timestamp }) => (typeof value === 'object' && value !== null && Number.isInteger(value[field]) ? value[field] : timestamp);
}
