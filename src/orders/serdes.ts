// Each topic of the reference system with its bytes: keys are order ids as text, values are the schemas in schemas/.

import { type Registry, type Serde, Serdes } from 'millrace';
import { type LocalSchema, readSchemaFolder } from 'millrace/schemas';
import { TOPICS, type OrderPaid, type OrderPlaced, type OrderStatusChanged, type PaymentReceived, type RefundRequested } from './domain.ts';

export interface OrderSerdes {
  readonly orderId: Serde<string>;
  readonly order: Serde<OrderPlaced>;
  readonly payment: Serde<PaymentReceived>;
  readonly orderPaid: Serde<OrderPaid>;
  readonly orderStatus: Serde<OrderStatusChanged>;
  readonly refund: Serde<RefundRequested>;
}

export function orderSerdes(registry: Registry): OrderSerdes {
  const schemas = readSchemaFolder(new URL('../../schemas/', import.meta.url));
  const of = (topic: string): LocalSchema => {
    const found = schemas.find(({ subject }) => subject === `${topic}-value`);
    if (found === undefined) throw new Error(`schemas/ has no ${topic}.avsc.`);
    return found;
  };
  return {
    orderId: Serdes.string(),
    order: Serdes.avro<OrderPlaced>({ registry, ...of(TOPICS.orders) }),
    payment: Serdes.avro<PaymentReceived>({ registry, ...of(TOPICS.payments) }),
    orderPaid: Serdes.avro<OrderPaid>({ registry, ...of(TOPICS.orderPayments) }),
    orderStatus: Serdes.avro<OrderStatusChanged>({ registry, ...of(TOPICS.orderStatus) }),
    refund: Serdes.avro<RefundRequested>({ registry, ...of(TOPICS.refunds) }),
  };
}
