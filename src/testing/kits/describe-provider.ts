import { Kit, kitOptionNames, withBench } from './kit.js';
import {
  testAnswers,
  testContextFree,
  testReasoning,
  testStreams,
  testTools,
} from './provider-answer-rules.js';
import { testApplication } from './provider-application-rules.js';
import {
  ProviderBench,
  type AddProviderTest,
  type MakeProvider,
  type MakeProviderServer,
  type ProviderKitOptions,
} from './provider-bench.js';
import { testEmbeddings, testEmbedMethod } from './provider-embedding-rules.js';
import { testAborts, testErrors, testRetries } from './provider-failure-rules.js';
import {
  testImageRequests,
  testRequests,
  testSchemaRequests,
  testToolRequests,
} from './provider-request-rules.js';

const OPTIONS = kitOptionNames<ProviderKitOptions>({
  capabilities: true,
  errors: true,
  statuses: true,
  streamErrors: true,
  retries: true,
  embeddings: true,
  usage: true,
  model: true,
});

/**
 * Registers tests of the rules of {@link LlmProvider} for a provider. Call it at the top of a test file, or in a
 * `describe`. Works with every runner that has `describe` and `it`.
 *
 * @param make makes a provider for each test, which sends its requests to the given URL
 * @param server starts a server for each test, which answers in the provider's format; see `serveProvider()`
 * @throws CallbacksConfigurationError without a test runner, and for wrong options
 *
 * @example
 * ```ts
 * describeProvider((url) => new MyProvider({ url }), () => serveProvider(myWire), {
 *   title: 'MyProvider',
 *   capabilities: { tools: true },
 * });
 * ```
 */
export function describeProvider(
  make: MakeProvider,
  server: MakeProviderServer,
  options: ProviderKitOptions = {},
): void {
  const kit = new Kit('describeProvider', 'LlmProvider', make, options, OPTIONS);
  if (typeof server !== 'function')
    kit.refuse('needs as its second argument a function that starts a server for each test');
  const test: AddProviderTest = (member, rule, run) =>
    kit.rule(member, rule, () => withBench(new ProviderBench(kit, make, server, options), run));
  const { tools, reasoning, images, schema, contextFree } = options.capabilities ?? {};
  kit.register(() => {
    testAnswers(test, options);
    testStreams(test);
    testRequests(test);
    if (tools) testTools(test);
    if (tools) testToolRequests(test);
    if (reasoning) testReasoning(test);
    if (images) testImageRequests(test);
    if (schema) testSchemaRequests(test);
    if (contextFree) testContextFree(test);
    if (options.embeddings) testEmbeddings(test, options);
    testErrors(test, options);
    testAborts(test, options);
    if (options.retries) testRetries(test, options);
    testEmbedMethod(test);
    testApplication(test, options);
  });
}
