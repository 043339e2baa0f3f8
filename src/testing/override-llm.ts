import { CallbacksConfigurationError, type LlmProvider } from '../index.js';
import { isProvider } from '../llm/create-client.js';
import { STAND_INS, StandIns } from '../llm/stand-ins.js';

/** What {@link overrideLlm} needs of a `TestingModuleBuilder`, the package of which need not be installed. */
export interface OverridableBuilder {
  overrideProvider(token: symbol): { useValue(value: object): unknown };
  compile(): Promise<unknown>;
}

/** What is kept with a builder, and what it has in its private fields. */
interface KnownBuilder extends OverridableBuilder {
  [STAND_INS]?: StandIns;
  readonly container?: { getModules?(): ReadonlyMap<unknown, unknown> };
}

/**
 * Has a provider, usually a `FakeLlm`, answer in a test of a whole application, whose modules stay as they are. Neither
 * a key nor the SDK is needed then. Label and model stay those that are configured, and with them prices; callbacks,
 * limits, interceptors and agents act as they do with the model itself. It replaces what `llm.resolve` chooses as well.
 *
 * @param builder what `Test.createTestingModule()` returns, before `compile()`
 * @param provider answers in place of the model
 * @param name the client: the name of a feature, or `'default'`; without it, every client that is not named by another
 * override, those of modules that are loaded later among them
 * @returns the builder
 * @throws CallbacksConfigurationError after `compile()`, and for what is no provider; `compile()` rejects with one where
 * no client has the name
 *
 * @example
 * ```ts
 * const builder = Test.createTestingModule({ imports: [AppModule] });
 * const app = await overrideLlm(builder, new FakeLlm(['It was sent.']), 'support').compile();
 * ```
 */
export function overrideLlm<B extends OverridableBuilder>(
  builder: B,
  provider: LlmProvider,
  name?: string,
): B {
  const known = builder as KnownBuilder;
  if (typeof known?.overrideProvider !== 'function' || isCompiled(known)) {
    refuse('needs the builder that Test.createTestingModule() returns, before its compile()');
  }
  if (!isProvider(provider)) {
    refuse(
      'needs a provider as its second argument: a FakeLlm, or an object that implements LlmProvider',
    );
  }
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    refuse(
      "needs the name of a client as its third argument, or none, for every client; 'default' is that of forRoot",
    );
  }
  standInsOf(known).set(provider, name);
  return builder;
}

function refuse(what: string): never {
  throw new CallbacksConfigurationError(`overrideLlm ${what}.`);
}

/** A builder scans its modules when it compiles, and has none before. */
function isCompiled({ container }: KnownBuilder): boolean {
  return (container?.getModules?.().size ?? 0) > 0;
}

/** The stand-ins of a builder, which has its application use them. */
function standInsOf(builder: KnownBuilder): StandIns {
  const kept = builder[STAND_INS];
  if (kept !== undefined) return kept;
  const standIns = new StandIns();
  const compile = builder.compile.bind(builder);
  Object.defineProperty(builder, STAND_INS, { value: standIns });
  builder.overrideProvider(STAND_INS).useValue(standIns);
  // When it is compiled, all clients are known.
  builder.compile = async (...options: []) => {
    const module = await compile(...options);
    standIns.check();
    return module;
  };
  return standIns;
}
