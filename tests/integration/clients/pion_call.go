// Two of Pion's ICE agents that may use relayed candidates alone, and bytes between them, there and
// back. Reads {"url", "user", "password", "packets"} from the standard input, and prints what came of it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"time"

	"github.com/pion/ice/v2"
)

const guard = 60 * time.Second

type task struct {
	URL      string `json:"url"`
	User     string `json:"user"`
	Password string `json:"password"`
	Packets  int    `json:"packets"`
}

type result struct {
	Local  string `json:"local"`
	Remote string `json:"remote"`
	Relay  string `json:"relay"`
	Echoed int    `json:"echoed"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newAgent(t task) *ice.Agent {
	url, err := ice.ParseURL(t.URL)
	check(err)
	url.Username, url.Password = t.User, t.Password
	agent, err := ice.NewAgent(&ice.AgentConfig{
		Urls:               []*ice.URL{url},
		NetworkTypes:       []ice.NetworkType{ice.NetworkTypeUDP4},
		CandidateTypes:     []ice.CandidateType{ice.CandidateTypeRelay},
		InsecureSkipVerify: true, // the test's certificate is self-signed
	})
	check(err)
	check(agent.OnConnectionStateChange(func(ice.ConnectionState) {}))
	return agent
}

// Gathers, and hands the candidates to the other one.
func gather(agent, other *ice.Agent) {
	done := make(chan struct{})
	check(agent.OnCandidate(func(candidate ice.Candidate) {
		if candidate == nil {
			close(done)
			return
		}
		copied, err := ice.UnmarshalCandidate(candidate.Marshal())
		check(err)
		check(other.AddRemoteCandidate(copied))
	}))
	check(agent.GatherCandidates())
	<-done
}

func main() {
	var t task
	check(json.NewDecoder(os.Stdin).Decode(&t))
	ctx, cancel := context.WithTimeout(context.Background(), guard)
	defer cancel()

	caller, callee := newAgent(t), newAgent(t)
	gather(caller, callee)
	gather(callee, caller)
	callerUfrag, callerPwd, err := caller.GetLocalUserCredentials()
	check(err)
	calleeUfrag, calleePwd, err := callee.GetLocalUserCredentials()
	check(err)

	go func() { // the callee sends everything back
		conn, err := callee.Accept(ctx, callerUfrag, callerPwd)
		check(err)
		buffer := make([]byte, 2048)
		for {
			size, err := conn.Read(buffer)
			if err != nil {
				return
			}
			if _, err := conn.Write(buffer[:size]); err != nil {
				return
			}
		}
	}()

	conn, err := caller.Dial(ctx, calleeUfrag, calleePwd)
	check(err)
	pair, err := caller.GetSelectedCandidatePair()
	check(err)
	out := result{Local: pair.Local.Type().String(), Remote: pair.Remote.Type().String(), Relay: pair.Local.Address()}
	if relay, ok := pair.Local.(*ice.CandidateRelay); ok {
		out.Relay += " " + relay.RelayProtocol()
	}
	sent, received := make([]byte, 1200), make([]byte, 2048)
	for out.Echoed < t.Packets {
		payload := sent[:1+rand.Intn(len(sent))]
		rand.Read(payload)
		payload[0] = 0xff // nothing that could be taken for STUN
		_, err = conn.Write(payload)
		check(err)
		check(conn.SetReadDeadline(time.Now().Add(guard)))
		size, err := conn.Read(received)
		check(err)
		if !bytes.Equal(payload, received[:size]) {
			check(fmt.Errorf("packet %d came back as another", out.Echoed))
		}
		out.Echoed++
	}
	check(json.NewEncoder(os.Stdout).Encode(out))
	_ = caller.Close() // which gives the relay address back
	_ = callee.Close()
}
