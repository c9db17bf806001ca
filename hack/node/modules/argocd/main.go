// Argo CD's controller and repository server in one program; the name it is called by chooses.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	appcontroller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/spf13/cobra"
)

func main() {
	commands := map[string]func() *cobra.Command{
		"argocd-application-controller": appcontroller.NewCommand,
		"argocd-repo-server":            reposerver.NewCommand,
	}
	name := filepath.Base(os.Args[0])
	build, known := commands[name]
	if !known {
		fmt.Fprintf(os.Stderr, "%s: call it argocd-application-controller or argocd-repo-server\n", name)
		os.Exit(2)
	}
	if err := build().Execute(); err != nil {
		os.Exit(1)
	}
}
