/**
 * @file The chat format as a Jinja template, for programs that load a released model. The typed renderer
 * (`render-chat.ts`) gives the same text; a test holds them together. Both follow swiss-ai/apertus_format.
 */
import { assert } from "../core/index.ts";

/** Who the model says it is when a conversation brings no system message. Has no date: the same text every day. */
export function defaultSystemText(who: { readonly name: string; readonly knowledgeCutoff?: string }): string {
  const line = `You are ${who.name}, an open language model built with Firn from documented sources.`;
  return who.knowledgeCutoff === undefined ? line : `${line}\nKnowledge cutoff: ${who.knowledgeCutoff}`;
}

/** True for text that may stand in the template: no control characters but line ends. */
export function isSystemText(text: string): boolean {
  return !/[\p{Cc}\p{Surrogate}]/u.test(text.replaceAll("\n", ""));
}

const TOOL_MACROS = `{%- macro type_of(spec) -%}
  {%- if spec.type == 'array' -%}
    {%- set element = 'any' -%}
    {%- if spec['items'] -%}
      {%- if spec['items'].type == 'string' or spec['items'].type == 'boolean' -%}
        {%- set element = spec['items'].type -%}
      {%- elif spec['items'].type == 'number' or spec['items'].type == 'integer' -%}
        {%- set element = 'number' -%}
      {%- else -%}
        {%- set element = type_of(spec['items']) -%}
      {%- endif -%}
    {%- endif -%}
    {{- 'any' if element == 'object | object' or element | length > 50 else element -}}
    {{- '[] | null' if spec.nullable else '[]' -}}
  {%- elif spec.type and spec.type is not string -%}
    {{- spec.type | join(' | ') -}}
  {%- elif spec.oneOf -%}
    {%- for variant in spec.oneOf -%}
      {{- type_of(variant) -}}
      {{- '// ' + variant.description if variant.description else '' -}}
      {%- if variant.default is defined -%}
        {{- '                    // default: ' + variant.default | tojson -}}
      {%- endif -%}
      {{- '' if loop.last else ' | \\n' -}}
    {%- endfor -%}
  {%- elif spec.type == 'string' -%}
    {%- if spec.enum -%}
      {{- '"' + spec.enum | join('" | "') + '"' -}}
    {%- else -%}
      {{- 'string | null' if spec.nullable else 'string' -}}
    {%- endif -%}
  {%- elif spec.type == 'integer' or spec.type == 'number' -%}
    {{- 'number' -}}
  {%- elif spec.type == 'boolean' -%}
    {{- 'boolean' -}}
  {%- elif spec.type == 'object' -%}
    {%- if spec.properties -%}
      {{- '{\\n' -}}
      {%- for name, field in spec.properties.items() -%}
        {{- name + ('' if name in (spec.required or []) else '?') + ': \\n                ' + type_of(field) -}}
        {{- '' if loop.last else ', ' -}}
      {%- endfor -%}
      {{- '}' -}}
    {%- else -%}
      {{- 'object' -}}
    {%- endif -%}
  {%- else -%}
    {{- 'any' -}}
  {%- endif -%}
{%- endmacro -%}
{%- macro declare(tool) -%}
  {%- if tool.description is defined -%}
    {{- '// ' + tool.description + '\\n' -}}
  {%- endif -%}
  {{- 'type ' + tool.name + ' = ' -}}
  {%- if tool.parameters and tool.parameters.properties -%}
    {{- '(_: {\\n' -}}
    {%- for name, field in tool.parameters.properties.items() -%}
      {%- if field.description -%}
        {{- '// ' + field.description + '\\n' -}}
      {%- endif -%}
      {{- name + ('' if name in (tool.parameters.required or []) else '?') + ': ' + type_of(field) -}}
      {%- if field.default is defined -%}
        {{- '// default: ' if field.oneOf and not field.enum else ', // default: ' -}}
        {%- if (field.enum or field.oneOf) and field.default is string -%}
          {{- field.default -}}
        {%- else -%}
          {{- field.default | tojson -}}
        {%- endif -%}
      {%- endif -%}
      {{- '\\n' if loop.last else ',\\n' -}}
    {%- endfor -%}
    {{- '}) => any;' -}}
  {%- else -%}
    {{- '() => any;' -}}
  {%- endif -%}
{%- endmacro -%}
{%- macro call(tool) -%}
  {{- '{"' + tool.name + '": ' -}}
  {{- tool.arguments if tool.arguments is string else tool.arguments | tojson -}}
  {{- '}' -}}
{%- endmacro -%}
`;

const HEAD = `{%- set turn = namespace(open=false, inner=false, outputs=false, shape='') -%}
{%- set rest = messages -%}
{%- set system = SYSTEM_TEXT -%}
{%- if messages and messages[0].role == 'system' -%}
  {%- set rest = messages[1:] -%}
  {%- set system = messages[0].content if messages[0].content is string else messages[0].content.text -%}
{%- endif -%}
{{- bos_token + '<|system_start|>' + system + '<|system_end|>' -}}
{{- '<|developer_start|>Deliberation: ' -}}
{{- 'enabled' if enable_thinking is defined and enable_thinking else 'disabled' -}}
{{- '\\nTool Capabilities:' -}}
{%- if tools is defined and tools -%}
  {%- for tool in tools -%}
    {{- '\\n' + declare(tool.function if tool.function is defined else tool) -}}
  {%- endfor -%}
{%- else -%}
  {{- ' disabled' -}}
{%- endif -%}
{{- '<|developer_end|>' -}}
`;

const TURNS = `{%- for message in rest -%}
  {%- if message.role == 'tool' -%}
    {%- if not turn.open -%}
      {{- raise_exception('a tool answers inside an assistant turn only') -}}
    {%- endif -%}
    {{- (', ' if turn.outputs else '[') + message.content -}}
    {%- set turn.outputs = true -%}
  {%- elif message.role == 'user' -%}
    {%- if turn.outputs -%}
      {{- ']' -}}
    {%- endif -%}
    {%- if turn.open -%}
      {{- '<|assistant_end|>' -}}
    {%- endif -%}
    {%- set turn.open = false -%}
    {%- set turn.inner = false -%}
    {%- set turn.outputs = false -%}
    {{- '<|user_start|>' -}}
    {%- if message.content is string -%}
      {{- message.content -}}
    {%- else -%}
      {%- for part in message.content.parts -%}
        {{- part.text -}}
      {%- endfor -%}
    {%- endif -%}
    {{- '<|user_end|>' -}}
  {%- elif message.role == 'assistant' -%}
    {%- if not turn.open -%}
      {{- '<|assistant_start|>' -}}
      {%- set turn.open = true -%}
    {%- endif -%}
    {%- set content = message.content if message.content is defined and message.content is not none else none -%}
    {%- if content is string -%}
      {%- if turn.shape == 'blocks' -%}
        {{- raise_exception('assistant messages must be all text or all blocks') -}}
      {%- endif -%}
      {%- set turn.shape = 'text' -%}
      {{- (']' if turn.outputs else '') + content -}}
      {%- set turn.outputs = false -%}
    {%- elif content is not none -%}
      {%- if turn.shape == 'text' -%}
        {{- raise_exception('assistant messages must be all text or all blocks') -}}
      {%- endif -%}
      {%- set turn.shape = 'blocks' -%}
      {%- for block in content.blocks -%}
        {%- if block.type == 'tool_outputs' -%}
          {%- if turn.outputs -%}
            {{- raise_exception('tool outputs are messages or blocks, not both') -}}
          {%- endif -%}
          {{- '[' -}}
          {%- for item in block.outputs -%}
            {{- item.output + ('' if loop.last else ', ') -}}
          {%- endfor -%}
          {{- ']' -}}
        {%- else -%}
          {%- if turn.outputs -%}
            {{- ']' -}}
            {%- set turn.outputs = false -%}
          {%- endif -%}
          {%- if block.type == 'thoughts' -%}
            {{- ('' if turn.inner else '<|inner_prefix|>') + block.text -}}
            {%- set turn.inner = true -%}
          {%- elif block.type == 'tool_calls' -%}
            {%- set final = block.calls | length == 1 and block.calls[0].name == 'display_answers' -%}
            {%- if turn.inner and final and not loop.first -%}
              {{- '<|inner_suffix|>' -}}
              {%- set turn.inner = false -%}
            {%- endif -%}
            {{- '<|tools_prefix|>[' -}}
            {%- for item in block.calls -%}
              {{- call(item) + ('' if loop.last else ', ') -}}
            {%- endfor -%}
            {{- ']<|tools_suffix|>' -}}
          {%- elif block.type == 'response' -%}
            {{- ('<|inner_suffix|>' if turn.inner else '') + block.text -}}
            {%- set turn.inner = false -%}
          {%- else -%}
            {{- raise_exception('unknown assistant block: ' + block.type) -}}
          {%- endif -%}
        {%- endif -%}
      {%- endfor -%}
    {%- endif -%}
    {%- if message.tool_calls is defined and message.tool_calls -%}
      {{- '<|tools_prefix|>[' -}}
      {%- for item in message.tool_calls -%}
        {{- call(item.function) + ('' if loop.last else ', ') -}}
      {%- endfor -%}
      {{- ']<|tools_suffix|>' -}}
    {%- endif -%}
  {%- else -%}
    {{- raise_exception('unknown role: ' + message.role) -}}
  {%- endif -%}
{%- endfor -%}
{{- ']' if turn.outputs else '' -}}
{%- if add_generation_prompt is defined and add_generation_prompt -%}
  {{- '' if turn.open else '<|assistant_start|>' -}}
{%- elif close_conversation is defined and close_conversation and turn.open -%}
  {{- '<|assistant_end|>' -}}
{%- endif -%}
`;

/**
 * The text of `chat_template.jinja`. Variables: `messages`, `tools`, `enable_thinking`, `add_generation_prompt`,
 * `bos_token`, and `close_conversation` (end an assistant turn that is still open; off by default, as in the
 * original).
 */
export function chatTemplate(systemText: string): string {
  assert(isSystemText(systemText), "the system text holds control characters");
  const literal = `"${systemText.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  return TOOL_MACROS + HEAD.replace("SYSTEM_TEXT", () => literal) + TURNS;
}
