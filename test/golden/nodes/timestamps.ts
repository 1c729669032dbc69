// timestampFrom: the event time that a case takes from a member of the value.

import type { StreamRecord } from 'millrace';
import type { CaseNode } from '../golden-case.ts';

export function extractorOf(node: CaseNode): { timestamp?: (record: StreamRecord<any, any>) => number } {
  const field = node['timestampFrom']?.field as string | undefined;
  if (field === undefined) return {};
  return {
    timestamp: ({ value, timestamp }) => (typeof value === 'object' && value !== null && Number.isInteger(value[field]) ? value[field] : timestamp),
  };
}
