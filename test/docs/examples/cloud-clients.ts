import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import { CallbacksModule } from 'nestjs-llm-callbacks';
import { AzureOpenAI } from 'openai';
import { BedrockOpenAI } from 'openai/bedrock';

// #region azure
export const azure = () =>
  CallbacksModule.forRoot({
    llm: {
      provider: 'openai',
      model: 'gpt-5-mini', // the deployment
      client: new AzureOpenAI({
        endpoint: 'https://my-resource.openai.azure.com',
        apiVersion: '2024-10-21',
        apiKey: process.env.AZURE_OPENAI_API_KEY,
      }),
    },
  });
// #endregion

// #region bedrock
export const claudeOnBedrock = () =>
  CallbacksModule.forRoot({
    llm: {
      provider: 'anthropic',
      model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
      client: new AnthropicBedrock({ awsRegion: 'us-west-2' }),
    },
  });

export const gptOnBedrock = () =>
  CallbacksModule.forFeature({
    name: 'drafts',
    llm: {
      provider: 'openai',
      model: 'openai.gpt-oss-120b-1:0',
      client: new BedrockOpenAI({ awsRegion: 'us-west-2' }),
    },
  });
// #endregion

// #region vertex
export const claudeOnVertex = () =>
  CallbacksModule.forRoot({
    llm: {
      provider: 'anthropic',
      model: 'claude-haiku-4-5@20251001',
      client: new AnthropicVertex({ region: 'europe-west1', projectId: 'my-project' }),
    },
  });
// #endregion
