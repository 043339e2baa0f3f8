import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import type Anthropic from '@anthropic-ai/sdk';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import { anthropic } from './anthropic.js';
import type { ProviderWire, WireFrame } from 'nestjs-llm-callbacks/testing';
import { AWS_EVENT_STREAM, framed, framesOf } from './event-stream.js';
import type { Serve } from './server.js';
import type { WireFormat } from './wire-format.js';

/** Anthropic's messages by another cloud. */
export interface CloudWire extends WireFormat {
  readonly cloud: 'bedrock' | 'vertex';
  /** The paths of a whole answer and of a stream. */
  readonly path: string;
  readonly streamPath: string;
  readonly newClient: (origin: string, options?: object) => Anthropic;
  /** An answer in the framing of the cloud. */
  readonly served: (serve: Serve) => Serve;
}

const BEDROCK_MODEL = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const VERTEX_MODEL = 'claude-haiku-4-5@20251001';
const VERTEX_PATH = `/projects/house/locations/europe-west1/publishers/anthropic/models/${VERTEX_MODEL}`;

/** A wire whose requests ask for another model. */
function asking(model: string): WireFormat {
  return { ...anthropic, model, client: (origin) => ({ ...anthropic.client(origin), model }) };
}

/** Bedrock, whose streams have the framing of AWS. */
export const bedrock: CloudWire = {
  ...asking(BEDROCK_MODEL),
  cloud: 'bedrock',
  path: `/model/${BEDROCK_MODEL}/invoke`,
  streamPath: `/model/${BEDROCK_MODEL}/invoke-with-response-stream`,
  newClient: (baseURL, options) =>
    new AnthropicBedrock({
      awsRegion: 'us-west-2',
      skipAuth: true,
      baseURL,
      maxRetries: 1,
      ...options,
    }) as unknown as Anthropic,
  served: framed,
};

/** The format of Anthropic's messages in the framing of Bedrock. */
export function onBedrock(wire: ProviderWire): ProviderWire {
  const inFrames = (frames: readonly WireFrame[]) => frames.map((frame) => framesOf(String(frame)));
  return {
    ...wire,
    pieces: (answer) => inFrames(wire.pieces(answer)),
    end: (answer) => inFrames(wire.end(answer)),
    streamType: AWS_EVENT_STREAM,
  };
}

/** Vertex, whose streams are server-sent events. */
export const vertex: CloudWire = {
  ...asking(VERTEX_MODEL),
  cloud: 'vertex',
  path: `${VERTEX_PATH}:rawPredict`,
  streamPath: `${VERTEX_PATH}:streamRawPredict`,
  newClient: (baseURL, options) =>
    new AnthropicVertex({
      region: 'europe-west1',
      projectId: 'house',
      authClient: {
        projectId: 'house',
        getRequestHeaders: async () => new Headers({ authorization: 'Bearer test' }),
      } as never,
      baseURL,
      maxRetries: 1,
      ...options,
    }) as unknown as Anthropic,
  served: (serve) => serve,
};

export const CLOUDS: readonly CloudWire[] = [bedrock, vertex];

function isCloud(wire: WireFormat): wire is CloudWire {
  return 'cloud' in wire;
}

/** What a wire is called in the names of tests. */
export function titleOf(wire: WireFormat): string {
  return isCloud(wire) ? `${wire.name} by ${wire.cloud}` : wire.name;
}

/** An answer in the framing of the wire. */
export function servedBy(wire: WireFormat, serve: Serve): Serve {
  return isCloud(wire) ? wire.served(serve) : serve;
}

/** The client of a cloud; `undefined` for other wires. */
export function newCloudClient(
  wire: WireFormat,
  origin: string,
  options?: object,
): Anthropic | undefined {
  return isCloud(wire) ? wire.newClient(origin, options) : undefined;
}
