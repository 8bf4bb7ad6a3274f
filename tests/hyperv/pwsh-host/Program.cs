// SPDX-License-Identifier: Apache-2.0
// Stands for powershell.exe: the real engine on standard input and output, with fake modules of a Hyper-V host.
//   pwsh-host [-NoLogo] [-NoProfile] [-NonInteractive] [-InputFormat X] [-OutputFormat X] [-ExecutionPolicy X]
//             -EncodedCommand BASE64 | -Command TEXT… | -File FILE
// The environment says which host this is: HVGPU_FAKE_WORLD (a file, World.cs), COMPUTERNAME, ProgramData.
// HVGPU_FAKE_SWALLOW: standard input is read by the host program itself, as some PowerShells are feared to do.
// HVGPU_FAKE_LACKS: modules that this host has not, with commas between them. HVGPU_FAKE_CULTURE: de-DE, for how numbers look.
// It is found under any name: a link `powershell.exe` to it will do.
// HVGPU_FAKE_CLIXML: errors are written to standard error as CLIXML, with a progress record.
// Besides, for tests of scripts: --syntax FILE… prints what of their syntax tree and commands 5.1 does not know; and for tests that
// start hundreds of agents: --serve FD (Server.cs).
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Host;
using System.Management.Automation.Runspaces;
using System.Security;
using System.Text;

namespace Fakes
{
	class NoUi : PSHost
	{
		public int? Exit;
		readonly Guid id = Guid.NewGuid();
		public override CultureInfo CurrentCulture => CultureInfo.CurrentCulture;
		public override CultureInfo CurrentUICulture => CultureInfo.CurrentUICulture;
		public override Guid InstanceId => id;
		public override string Name => "ConsoleHost";
		public override PSHostUserInterface UI => null; // non-interactive: who asks, fails
		public override Version Version => new(5, 1);
		public override void EnterNestedPrompt() => throw new NotSupportedException();
		public override void ExitNestedPrompt() => throw new NotSupportedException();
		public override void NotifyBeginApplication() { }
		public override void NotifyEndApplication() { }
		public override void SetShouldExit(int exitCode) => Exit ??= exitCode;
	}

	static class Program
	{
		static int Main(string[] args)
		{
			Environment.SetEnvironmentVariable("POWERSHELL_TELEMETRY_OPTOUT", "1"); // nothing but the loopback address is talked to
			if (args.Length > 0 && args[0] == "--syntax") return Syntax.Check(args.Skip(1).ToArray());
			if (args.Length > 1 && args[0] == "--serve") return Server.Serve(int.Parse(args[1]));
			return Start(args);
		}

		public static int Start(string[] args)
		{
			string script = Script(args);
			if (script == null)
			{
				Console.Error.WriteLine("pwsh-host: nothing to run");
				return 64;
			}
			if (Environment.GetEnvironmentVariable("HVGPU_FAKE_SWALLOW") != null) Console.OpenStandardInput().CopyTo(Stream.Null);
			var culture = Environment.GetEnvironmentVariable("HVGPU_FAKE_CULTURE");
			if (culture != null) CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = new CultureInfo(culture);
			return Run(script);
		}

		// The same switches as powershell.exe; others are refused, so that a slip in the command line is found.
		static string Script(string[] args)
		{
			for (int i = 0; i < args.Length; i++)
				switch (args[i].ToLowerInvariant())
				{
				case "-nologo" or "-noprofile" or "-noninteractive": break;
				case "-inputformat" or "-outputformat" or "-executionpolicy": i++; break;
				case "-encodedcommand": return i + 1 < args.Length ? Encoding.Unicode.GetString(Convert.FromBase64String(args[i + 1])) : null;
				case "-command": return string.Join(' ', args.Skip(i + 1));
				case "-file": return File.ReadAllText(args[i + 1]);
				default: return null;
				}
			return null;
		}

		static int Run(string script)
		{
			var state = InitialSessionState.CreateDefault2();
			AddModules(state);
			state.Commands.Add(new SessionStateFunctionEntry("whoami.exe", "[Fakes.Identity]::Lines()"));
			var host = new NoUi();
			using var runspace = RunspaceFactory.CreateRunspace(host, state);
			runspace.Open();
			using var shell = PowerShell.Create();
			shell.Runspace = runspace;
			shell.AddScript(script);
			var errors = new List<string>();
			try
			{
				foreach (var value in shell.Invoke()) Console.Out.WriteLine(value);
				errors.AddRange(shell.Streams.Error.Select(error => error.ToString()));
			}
			catch (RuntimeException e) { errors.Add(e.Message + "\n" + e.ErrorRecord?.ScriptStackTrace); }
			if (errors.Count > 0) Complain(errors);
			Console.Out.Flush();
			return host.Exit ?? (errors.Count > 0 ? 1 : 0);
		}

		// One assembly cannot be the root of several modules, so the modules are there to be listed, and the cmdlets by
		// themselves. HVGPU_FAKE_LACKS names modules that this host has not, with commas between them.
		static void AddModules(InitialSessionState state)
		{
			string folder = Path.Combine(AppContext.BaseDirectory, "modules");
			string[] lacks = (Environment.GetEnvironmentVariable("HVGPU_FAKE_LACKS") ?? "").Split(',');
			// A module path may be the module's own folder's parent alone, so there is one parent for each.
			var paths = Directory.GetDirectories(folder).Where(path => !lacks.Contains(Path.GetFileName(path)));
			Environment.SetEnvironmentVariable("PSModulePath", string.Join(Path.PathSeparator, paths));
			foreach (var type in typeof(Program).Assembly.GetTypes())
			{
				var module = (ModuleAttribute)Attribute.GetCustomAttribute(type, typeof(ModuleAttribute));
				if (module == null || lacks.Contains(module.Name)) continue;
				var cmdlet = (CmdletAttribute)Attribute.GetCustomAttribute(type, typeof(CmdletAttribute));
				state.Commands.Add(new SessionStateCmdletEntry($"{cmdlet.VerbName}-{cmdlet.NounName}", type, null));
			}
		}

		static void Complain(List<string> errors)
		{
			if (Environment.GetEnvironmentVariable("HVGPU_FAKE_CLIXML") == null)
			{
				foreach (string error in errors) Console.Error.WriteLine(error);
				return;
			}
			Console.Error.WriteLine("#< CLIXML");
			Console.Error.Write("<Objs Version=\"1.1.0.1\" xmlns=\"http://schemas.microsoft.com/powershell/2004/04\"><Obj S=\"progress\" RefId=\"0\">" +
				"<MS><S N=\"Activity\">Preparing modules for first use.</S></MS></Obj>");
			foreach (string error in errors)
				Console.Error.Write($"<S S=\"Error\">{SecurityElement.Escape(error).Replace("\n", "_x000A_")}_x000D__x000A_</S>");
			Console.Error.WriteLine("</Objs>");
		}
	}

	[AttributeUsage(AttributeTargets.Class)]
	public class ModuleAttribute(string name) : Attribute
	{
		public readonly string Name = name;
	}

	public static class Identity
	{
		// As whoami /groups /fo csv /nh, with German names where the world speaks German.
		public static string[] Lines()
		{
			using var world = new World();
			string name = world.State.Language == "de" ? "Jeder" : "Everyone";
			return [.. world.Host.Groups.Prepend("S-1-1-0").Select(id =>
				$"\"{name}\",\"Well-known group\",\"{id}\",\"Mandatory group\"")];
		}
	}
}
