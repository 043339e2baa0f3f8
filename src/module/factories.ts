import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';

/**
 * The prototype of a provider's instances, as far as it is known before one exists: for a factory, the class that is
 * its token.
 */
export function prototypeOf({
  isNotMetatype,
  metatype,
  token,
}: InstanceWrapper): object | undefined {
  const type = isNotMetatype ? token : metatype;
  return typeof type === 'function' ? (type.prototype as object | undefined) : undefined;
}

/** Calls `notify` with the first object that a factory creates, for any consumer. */
export function onceMade(factory: InstanceWrapper, notify: (made: object) => void): void {
  const make = factory.metatype as (...dependencies: unknown[]) => unknown;
  factory.metatype = async (...dependencies: unknown[]) => {
    const made = await make(...dependencies);
    if (typeof made === 'object' && made !== null && factory.metatype !== make) {
      factory.metatype = make;
      notify(made);
    }
    return made;
  };
}

/** Whether one of `others` has a provider injected. */
export function isInjected(provider: InstanceWrapper, others: readonly InstanceWrapper[]): boolean {
  return others.some((other) => {
    const properties = other.getPropertiesMetadata() ?? [];
    const injected = [...(other.getCtorMetadata() ?? []), ...properties.map((one) => one.wrapper)];
    return injected.includes(provider);
  });
}

/** The name of the module that provides it. */
export function moduleOf({ host }: InstanceWrapper): string {
  return host?.name ?? 'a module';
}
