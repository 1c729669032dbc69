// The order topology as it is deployed, for `npm run describe` and `npm run diff`: nothing is connected, and no schema is registered.

import { memoryRegistry } from 'millrace';
import { APPLICATION_ID } from '../domain.ts';
import { orderSerdes } from '../serdes.ts';
import { orderTopology } from './topology.ts';

export const applicationId = APPLICATION_ID;
export const topology = orderTopology({ serdes: orderSerdes(memoryRegistry()) });
