// What somebody made of visits-before.ts: ids are remembered longer, and a store got a nicer name. See docs/topology.md for what that means.

import { Serdes, StreamsBuilder } from 'millrace';

interface Visit {
  readonly id: string;
  readonly page: string;
}

const visits = { key: Serdes.string(), value: Serdes.json<Visit>() };
const counts = { key: Serdes.string(), value: Serdes.long() };

const builder = new StreamsBuilder();
builder
  .stream('visits', visits)
  .filter((visit) => visit !== null)
  .dedupe({ name: 'visits-seen', id: (visit) => visit.id, retentionMs: 7_200_000, serde: Serdes.string() })
  .groupBy((visit) => visit.page, { name: 'by-page', ...visits })
  .count({ name: 'page-counts' })
  .toStream()
  .to('page-visits', counts);

export const applicationId = 'site';
export const topology = builder.build();
