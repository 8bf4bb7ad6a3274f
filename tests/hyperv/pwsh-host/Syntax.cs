// SPDX-License-Identifier: Apache-2.0
// What a script has that Windows PowerShell 5.1 does not know: constructs by the syntax tree, commands by name.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation.Language;

namespace Fakes
{
	static class Syntax
	{
		public static int Check(string[] files)
		{
			var found = new List<string>();
			foreach (string file in files)
			{
				var tree = Parser.ParseFile(Path.GetFullPath(file), out var tokens, out var errors);
				found.AddRange(errors.Select(error => At(file, error.Extent, error.Message)));
				foreach (var token in tokens.Where(token => token.Kind is TokenKind.QuestionDot or TokenKind.QuestionLBracket or
					TokenKind.QuestionQuestion or TokenKind.QuestionQuestionEquals or TokenKind.QuestionMark or TokenKind.AndAnd or TokenKind.OrOr or
					TokenKind.Clean))
					found.Add(At(file, token.Extent, "5.1 does not know " + token.Text));
				foreach (var node in tree.FindAll(node => node is TernaryExpressionAst or PipelineChainAst, true))
					found.Add(At(file, node.Extent, "5.1 does not know " + node.GetType().Name));
				foreach (CommandAst command in tree.FindAll(node => node is CommandAst, true))
					Console.WriteLine($"command\t{Path.GetFileName(file)}:{command.Extent.StartLineNumber}\t{command.GetCommandName() ?? "?" + command.CommandElements[0]}\t" +
						string.Join(' ', command.CommandElements.OfType<CommandParameterAst>().Select(parameter =>
						parameter.ParameterName)));
				foreach (var type in tree.FindAll(node => node is TypeExpressionAst or TypeConstraintAst, true))
					Console.WriteLine($"type\t{Path.GetFileName(file)}:{type.Extent.StartLineNumber}\t{type.Extent.Text.Trim('[', ']')}\t");
			}
			foreach (string line in found) Console.WriteLine("newer\t" + line);
			return found.Count > 0 ? 1 : 0;
		}

		static string At(string file, IScriptExtent extent, string what) =>
			$"{Path.GetFileName(file)}:{extent.StartLineNumber}\t{what}\t";
	}
}
