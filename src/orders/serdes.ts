// Each topic of the reference system with its bytes: keys are order ids as text, values are the schemas in schemas/.

import { readFileSync } from 'node:fs';
import { type AvroSchema, type Registry, type Serde, Serdes } from 'millrace';
import type { OrderPaid, OrderPlaced, OrderStatusChanged, PaymentReceived, RefundRequested } from './domain.ts';

export interface OrderSerdes {
  readonly orderId: Serde<string>;
  readonly order: Serde<OrderPlaced>;
  readonly payment: Serde<PaymentReceived>;
  readonly orderPaid: Serde<OrderPaid>;
  readonly orderStatus: Serde<OrderStatusChanged>;
  readonly refund: Serde<RefundRequested>;
}

export function orderSerdes(registry: Registry): OrderSerdes {
  return {
    orderId: Serdes.string(),
    order: Serdes.avro<OrderPlaced>({ registry, schema: schema('orders') }),
    payment: Serdes.avro<PaymentReceived>({ registry, schema: schema('payments') }),
    orderPaid: Serdes.avro<OrderPaid>({ registry, schema: schema('order-payments') }),
    orderStatus: Serdes.avro<OrderStatusChanged>({ registry, schema: schema('order-status') }),
    refund: Serdes.avro<RefundRequested>({ registry, schema: schema('refunds') }),
  };
}

function schema(topic: string): AvroSchema {
  return JSON.parse(readFileSync(new URL(`../../schemas/${topic}.avsc`, import.meta.url), 'utf8')) as AvroSchema;
}
